// SPDX-License-Identifier: MIT
// One logged packet as the kernel sent it: a view into the receive ring, valid inside the handler only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <farewell/metadata.hpp>

namespace farewell::nflog {

/// Metadata is there only where the kernel sends it, see net/netfilter/nfnetlink_log.c,
/// __build_packet_message: interfaces depend on the hook, the hardware address on the link, the mark comes
/// only when it is not zero, uid and gid only for packets of a local socket.
struct Packet {
    std::optional<std::uint32_t> sequence;  ///< counts the packets of the group from 0
    std::uint16_t hardware_protocol = 0;    ///< EtherType: 0x0800 IPv4, 0x86dd IPv6
    Hook hook = Hook::prerouting;           ///< where it was logged
    std::uint8_t family = 0;  ///< of the hook: NFPROTO_IPV4 2, NFPROTO_IPV6 10, NFPROTO_BRIDGE 7
    /// From the network header on, at most GroupConfig::copy_range bytes. The kernel does not tell whether it
    /// was cut; an IP header tells the packet's length.
    std::span<const std::byte> payload;
    std::string_view prefix;                      ///< the text of the rule: `log prefix "…"`
    std::uint32_t mark = 0;                       ///< 0: none
    std::uint32_t input_interface = 0;            ///< index; 0: none
    std::uint32_t output_interface = 0;           ///< index; 0: none
    std::uint32_t physical_input_interface = 0;   ///< the bridge's port
    std::uint32_t physical_output_interface = 0;  ///< the bridge's port
    std::span<const std::byte> hardware_address;  ///< the sender's; empty: none
    std::span<const std::byte> link_header;       ///< the whole link layer header; empty: none
    std::optional<std::uint16_t> vlan_tag;        ///< the TCI of a bridged packet (priority, DEI, id)
    std::optional<std::uint32_t> uid;             ///< of the local socket's owner
    std::optional<std::uint32_t> gid;             ///< the same, its group
    std::optional<Timestamp> timestamp;           ///< only where something asked for time stamps
    std::span<const std::byte> conntrack;  ///< nested CTA_* attributes (GroupConfig::conntrack); empty: none
    std::optional<std::uint32_t> conntrack_info;  ///< enum ip_conntrack_info: 0 established, 2 new, ...
};

}  // namespace farewell::nflog

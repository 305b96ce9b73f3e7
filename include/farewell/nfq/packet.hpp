// SPDX-License-Identifier: MIT
// One queued packet as the kernel sent it: a view into the receive ring, valid inside the handler only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <farewell/metadata.hpp>

namespace farewell::nfq {

/// What the kernel tells beside the bytes, and only where it does: interfaces depend on the hook, the
/// hardware address on the link, mark and priority come only when they are not zero, uid and gid only for
/// packets of a local socket and with QueueConfig::uid_gid (net/netfilter/nfnetlink_queue.c,
/// nfqnl_build_packet_message).
struct Metadata {
    std::uint32_t mark = 0;                       ///< 0: none
    std::uint32_t priority = 0;                   ///< skb->priority, from kernels that send it; 0: none
    std::uint32_t input_interface = 0;            ///< index; 0: none
    std::uint32_t output_interface = 0;           ///< index; 0: none
    std::uint32_t physical_input_interface = 0;   ///< the bridge's port
    std::uint32_t physical_output_interface = 0;  ///< the bridge's port
    std::span<const std::byte> hardware_address;  ///< the sender's; empty: none
    std::span<const std::byte> link_header;       ///< the whole link layer header of a bridged packet
    std::optional<std::uint16_t> vlan_tag;        ///< the TCI of a bridged packet (priority, DEI, id)
    std::optional<std::uint32_t> uid;             ///< of the local socket's owner
    std::optional<std::uint32_t> gid;             ///< the same, its group
    std::optional<Timestamp> timestamp;           ///< only where something asked for time stamps
    std::uint32_t skb_info = 0;  ///< NFQA_SKB_*: 1 checksum not ready, 2 GSO, 4 checksum not verified
    std::span<const std::byte> conntrack;  ///< nested CTA_* attributes (QueueConfig::conntrack); empty: none
    std::optional<std::uint32_t> conntrack_info;  ///< enum ip_conntrack_info: 0 established, 2 new, ...
    std::span<const std::byte> security_context;  ///< text (QueueConfig::security_context); empty: none
    bool is_damaged = false;  ///< a value was smaller than its kind must be, and is left out
};

/// Everything a handler sees of one packet. Spans point into the receive ring: copy what shall outlive the
/// call.
struct Packet {
    std::uint32_t id = 0;                 ///< what verdicts refer to; counts up from 1 and wraps
    std::uint16_t hardware_protocol = 0;  ///< EtherType: 0x0800 IPv4, 0x86dd IPv6
    Hook hook = Hook::prerouting;         ///< where it was queued
    std::uint8_t family = 0;              ///< of the hook: NFPROTO_IPV4 2, NFPROTO_IPV6 10, NFPROTO_BRIDGE 7
    std::span<const std::byte> payload;   ///< from the network header on; empty for metadata-only copies
    /// The packet's length before it was cut to the copy range. 0 for metadata-only copies: the kernel does
    /// not tell it there; ask for one byte of payload to learn it.
    std::size_t original_length = 0;
    std::span<const std::byte> attributes;  ///< all of them, as sent (NFQA_*)

    /// The copy range (or the receive ring) has cut the payload.
    [[nodiscard]] bool is_cut_short() const { return payload.size() < original_length; }
    /// Read from the attributes anew with every call: keep it while you need it. About 100 instructions.
    [[nodiscard]] Metadata metadata() const;
};

}  // namespace farewell::nfq

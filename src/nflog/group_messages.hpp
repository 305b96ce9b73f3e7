// SPDX-License-Identifier: MIT
// The messages of the nfnetlink_log subsystem (linux/netfilter/nfnetlink_log.h): configuration as bytes,
// packets from bytes. Pure.
#pragma once

#include <cstdint>
#include <farewell/nflog/group.hpp>

#include "netlink/message.hpp"

namespace farewell::nflog {

/// What the kernel gathers before it hands over.
struct Gathered {
    std::uint32_t packets;
    std::uint32_t bytes;
};
/// What the kernel takes everywhere: its least is its default, a page or 8 KiB (NFULNL_NLBUFSIZ_DEFAULT).
constexpr std::uint32_t kGatherBytesMin = 8192;

/// One CONFIG message that binds the group and sets everything at once, to be acknowledged.
void append_bind(netlink::MessageWriter& writer, const GroupConfig& config, const Gathered& gathered,
                 bool conntrack, std::uint32_t sequence);
/// Changes it while the group is bound. Not to be acknowledged: it is done when send() returns.
void append_gathered(netlink::MessageWriter& writer, std::uint16_t number, const Gathered& gathered);
/// Makes the kernel hand over what it has gathered, and no more. Not to be acknowledged: it is done when
/// send() returns, and a full receive buffer would swallow the acknowledgement.
void append_unbind(netlink::MessageWriter& writer, std::uint16_t number);

[[nodiscard]] bool is_packet(const netlink::Message& message);
/// Whether the message was whole. `packet` has what could be read.
bool parse_packet(const netlink::Message& message, Packet& packet);

}  // namespace farewell::nflog

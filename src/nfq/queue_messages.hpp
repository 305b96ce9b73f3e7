// SPDX-License-Identifier: MIT
// The messages of the nfnetlink_queue subsystem (linux/netfilter/nfnetlink_queue.h): configuration and
// verdicts as bytes, packets from bytes. Pure.
#pragma once

#include <cstdint>
#include <farewell/nfq/packet.hpp>
#include <farewell/nfq/queue.hpp>
#include <farewell/nfq/verdict.hpp>
#include <optional>
#include <span>

#include "netlink/message.hpp"

namespace farewell::nfq {

/// One CONFIG message that binds the queue and sets everything at once, to be acknowledged. Bind and
/// parameters in separate messages leave a moment in which packets are dropped, even with bypass (measured).
void append_bind(netlink::MessageWriter& writer, const QueueConfig& config, std::uint32_t flags,
                 std::uint32_t sequence);
void append_unbind(netlink::MessageWriter& writer, std::uint16_t number, std::uint32_t sequence);
/// Does nothing but be acknowledged: wakes a receiver.
void append_noop(netlink::MessageWriter& writer, std::uint32_t sequence);

/// The verdict for every packet up to this id that has none yet.
void append_verdict_up_to(netlink::MessageWriter& writer, std::uint16_t number, std::uint32_t id,
                          const Verdict& verdict);

/// NFQA_CFG_F_* as the configuration asks for.
[[nodiscard]] std::uint32_t wanted_flags(const QueueConfig& config);

[[nodiscard]] bool is_packet(const netlink::Message& message);
/// nullopt: no packet id in it, so nothing can be done for it.
[[nodiscard]] std::optional<Packet> parse_packet(const netlink::Message& message);

/// What an NLMSG_ERROR says: errno (0 for an acknowledgement) and the sequence number it answers.
struct Acknowledgement {
    int errno_number = 0;
    std::uint32_t sequence = 0;
};
[[nodiscard]] std::optional<Acknowledgement> parse_acknowledgement(const netlink::Message& message);

}  // namespace farewell::nfq

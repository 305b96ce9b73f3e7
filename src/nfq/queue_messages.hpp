// SPDX-License-Identifier: MIT
// The messages of the nfnetlink_queue subsystem (linux/netfilter/nfnetlink_queue.h): configuration and
// verdicts as bytes. Pure. Packets are packet_parser's.
#pragma once

#include <cstdint>
#include <farewell/nfq/queue.hpp>
#include <farewell/nfq/verdict.hpp>

#include "netlink/message.hpp"

namespace farewell::nfq {

/// One CONFIG message that binds the queue and sets everything at once, to be acknowledged. Bind and
/// parameters in separate messages leave a moment in which packets are dropped, even with bypass (measured).
void append_bind(netlink::MessageWriter& writer, const QueueConfig& config, std::uint32_t flags,
                 std::uint32_t sequence);
/// Not to be acknowledged: the kernel has done it when send() returns, and a full receive buffer would
/// swallow the acknowledgement.
void append_unbind(netlink::MessageWriter& writer, std::uint16_t number);

/// The verdict for one packet.
void append_verdict_for(netlink::MessageWriter& writer, std::uint16_t number, std::uint32_t id,
                        const Verdict& verdict);
/// The same for a packet that becomes other bytes, which follow by themselves: everything but the payload and
/// its padding. Returns the bytes of padding, which are the last that this appends.
std::size_t append_verdict_without_payload(netlink::MessageWriter& writer, std::uint16_t number,
                                           std::uint32_t id, const Verdict& verdict,
                                           std::size_t payload_bytes);
/// The verdict for every packet up to this id that has none yet.
void append_verdict_up_to(netlink::MessageWriter& writer, std::uint16_t number, std::uint32_t id,
                          const Verdict& verdict);

/// NFQA_CFG_F_* as the configuration asks for.
[[nodiscard]] std::uint32_t wanted_flags(const QueueConfig& config);

}  // namespace farewell::nfq

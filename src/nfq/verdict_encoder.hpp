// SPDX-License-Identifier: MIT
// The verdicts of a batch as few messages as the kernel needs. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <farewell/nfq/packet.hpp>
#include <farewell/nfq/verdict.hpp>
#include <span>

#include "netlink/message.hpp"

namespace farewell::nfq {

/// Appends the messages that give verdicts[i] to packets[i], in the order of ids: one VERDICT_BATCH per run
/// of equal verdicts; a single packet that differs inside a run is a VERDICT of its own before it. Returns
/// how many messages. Both spans are of one length.
///
/// VERDICT_BATCH means "all up to this id that have none yet", so runs must ascend. Ids that do not (no
/// kernel is known to send such) are answered one by one.
std::size_t append_verdicts(netlink::MessageWriter& writer, std::uint16_t number,
                            std::span<const Packet> packets, std::span<const Verdict> verdicts);

}  // namespace farewell::nfq

// SPDX-License-Identifier: MIT
// The verdicts of a batch as few messages as the kernel needs. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <farewell/nfq/packet.hpp>
#include <farewell/nfq/verdict.hpp>
#include <span>

#include "nfq/outgoing.hpp"

namespace farewell::nfq {

/// What was decided for each packet of a batch, by its index; up to 64.
struct Decisions {
    Verdict of_all = Verdict::drop();                        // where `verdicts` is empty
    std::span<const Verdict> verdicts{};                     // one for each packet, where they may differ
    std::uint64_t held = 0;                                  // a bit for each that gets none now
    std::uint64_t mangled = 0;                               // a bit for each that becomes other bytes
    std::span<const std::span<const std::byte>> payloads{};  // those bytes, by index, where mangled
    bool one_by_one = false;  // an earlier packet is held, or the ids do not ascend
};

/// Appends the messages that give the packets their verdicts, in the order of ids: one VERDICT_BATCH per run
/// of equal verdicts, and singles for mangled packets. A single packet that differs inside a run is a VERDICT
/// of its own before it, unless that would let a packet overtake another: only where one of the two verdicts
/// is drop. Returns how many messages.
///
/// VERDICT_BATCH means "all up to this id that have none yet". So nothing is batched behind a held packet,
/// nor where ids do not ascend (no kernel is known to send such). Where all get the same this costs the same
/// for any number of packets.
std::size_t append_verdicts(Outgoing& outgoing, std::uint16_t number, std::span<const Packet> packets,
                            const Decisions& decisions);

}  // namespace farewell::nfq

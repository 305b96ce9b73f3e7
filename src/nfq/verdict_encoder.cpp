// SPDX-License-Identifier: MIT
#include "nfq/verdict_encoder.hpp"

#include <algorithm>

namespace farewell::nfq {
namespace {

/// Ids wrap; the kernel compares them by the sign of their difference as well (nfq_batch_cmp).
bool follows(const Packet& earlier, const Packet& later) {
    constexpr std::uint32_t kHalf = 0x80000000U;
    const std::uint32_t distance = later.id - earlier.id;
    return distance != 0 && distance < kHalf;
}

bool ascend(std::span<const Packet> packets) {
    return std::ranges::adjacent_find(packets, [](const Packet& earlier, const Packet& later) {
               return !follows(earlier, later);
           }) == packets.end();
}

bool has_bit(std::uint64_t bits, std::size_t index) {
    return (bits >> index & 1U) != 0;
}

class Encoder {
 public:
    Encoder(Outgoing& outgoing, std::uint16_t number, std::span<const Packet> packets,
            const Decisions& decisions)
        : outgoing_(outgoing), number_(number), packets_(packets), decisions_(decisions) {}

    std::size_t encode() {
        bool one_by_one = decisions_.one_by_one || !ascend(packets_);
        std::size_t next = 0;
        while (next < packets_.size()) {
            if (has_bit(decisions_.held, next)) {
                one_by_one = true;
                ++next;
            } else if (one_by_one || has_bit(decisions_.mangled, next)) {
                single(next++);
            } else {
                next = run_from(next);
            }
        }
        return messages_;
    }

 private:
    /// One VERDICT_BATCH from `first` on, and the exceptions within. Returns the index behind the run.
    std::size_t run_from(std::size_t first) {
        const Verdict& of_run = decisions_.verdicts[first];
        const auto belongs = [&](std::size_t index) {
            return index < packets_.size() && decisions_.verdicts[index] == of_run &&
                   !has_bit(decisions_.held | decisions_.mangled, index);
        };
        std::size_t next = first + 1;
        while (next < packets_.size()) {
            if (belongs(next)) {
                ++next;
                continue;
            }
            const bool overtakes = !of_run.is_drop() && !decisions_.verdicts[next].is_drop();
            if (has_bit(decisions_.held, next) || overtakes || !belongs(next + 1)) {
                break;
            }
            single(next);
            next += 2;
        }
        outgoing_.verdict_up_to(number_, packets_[next - 1].id, of_run);
        ++messages_;
        return next;
    }

    void single(std::size_t index) {
        const std::uint32_t id = packets_[index].id;
        const Verdict& verdict = decisions_.verdicts[index];
        if (has_bit(decisions_.mangled, index)) {
            outgoing_.verdict_for(number_, id, verdict, decisions_.payloads[index]);
        } else {
            outgoing_.verdict_for(number_, id, verdict);
        }
        ++messages_;
    }

    Outgoing& outgoing_;
    std::uint16_t number_;
    std::span<const Packet> packets_;
    const Decisions& decisions_;
    std::size_t messages_ = 0;
};

}  // namespace

std::size_t append_verdicts(Outgoing& outgoing, std::uint16_t number, std::span<const Packet> packets,
                            const Decisions& decisions) {
    return Encoder(outgoing, number, packets, decisions).encode();
}

}  // namespace farewell::nfq

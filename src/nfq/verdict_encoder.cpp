// SPDX-License-Identifier: MIT
#include "nfq/verdict_encoder.hpp"

namespace farewell::nfq {
namespace {

bool has_bit(std::uint64_t bits, std::size_t index) {
    return (bits >> index & 1U) != 0;
}

class Encoder {
 public:
    Encoder(Outgoing& outgoing, std::uint16_t number, std::span<const Packet> packets,
            const Decisions& decisions)
        : outgoing_(outgoing), number_(number), packets_(packets), decisions_(decisions) {}

    std::size_t encode() {
        bool one_by_one = decisions_.one_by_one;
        std::size_t next = 0;
        if (decisions_.verdicts.empty() && !one_by_one && (decisions_.held | decisions_.mangled) == 0) {
            next = up_to(packets_.size(), decisions_.of_all);
        }
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
        const Verdict& of_run = verdict_of(first);
        const auto belongs = [&](std::size_t index) {
            return index < packets_.size() && verdict_of(index) == of_run &&
                   !has_bit(decisions_.held | decisions_.mangled, index);
        };
        std::size_t next = first + 1;
        while (next < packets_.size()) {
            if (belongs(next)) {
                ++next;
                continue;
            }
            const bool overtakes = !of_run.is_drop() && !verdict_of(next).is_drop();
            if (has_bit(decisions_.held, next) || overtakes || !belongs(next + 1)) {
                break;
            }
            single(next);
            next += 2;
        }
        return up_to(next, of_run);
    }

    /// One VERDICT_BATCH for all before this index.
    std::size_t up_to(std::size_t next, const Verdict& verdict) {
        if (next > 0) {
            outgoing_.verdict_up_to(number_, packets_[next - 1].id, verdict);
            ++messages_;
        }
        return next;
    }

    [[nodiscard]] const Verdict& verdict_of(std::size_t index) const {
        return decisions_.verdicts.empty() ? decisions_.of_all : decisions_.verdicts[index];
    }

    void single(std::size_t index) {
        const std::uint32_t id = packets_[index].id;
        const Verdict& verdict = verdict_of(index);
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

// SPDX-License-Identifier: MIT
#include "nfq/verdict_encoder.hpp"

#include <algorithm>

#include "nfq/queue_messages.hpp"

namespace farewell::nfq {
namespace {

/// Ids wrap; the kernel compares them by the sign of their difference as well (nfq_batch_cmp).
bool follows(const Packet& earlier, const Packet& later) {
    constexpr std::uint32_t kHalf = 0x80000000U;
    const std::uint32_t distance = later.id - earlier.id;
    return distance != 0 && distance < kHalf;
}

}  // namespace

std::size_t append_verdicts(netlink::MessageWriter& writer, std::uint16_t number,
                            std::span<const Packet> packets, std::span<const Verdict> verdicts) {
    const auto out_of_order = std::ranges::adjacent_find(
        packets, [](const Packet& earlier, const Packet& later) { return !follows(earlier, later); });
    if (out_of_order != packets.end()) {
        for (std::size_t i = 0; i < packets.size(); ++i) {
            append_verdict_for(writer, number, packets[i].id, verdicts[i]);
        }
        return packets.size();
    }
    std::size_t messages = 0;
    std::size_t next = 0;
    while (next < packets.size()) {
        const Verdict& of_run = verdicts[next];
        for (++next; next < packets.size(); ++next) {
            if (verdicts[next] == of_run) {
                continue;
            }
            const bool is_exception = next + 1 < packets.size() && verdicts[next + 1] == of_run;
            if (!is_exception) {
                break;
            }
            append_verdict_for(writer, number, packets[next].id, verdicts[next]);
            ++messages;
        }
        append_verdict_up_to(writer, number, packets[next - 1].id, of_run);
        ++messages;
    }
    return messages;
}

}  // namespace farewell::nfq

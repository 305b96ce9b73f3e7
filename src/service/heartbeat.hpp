// SPDX-License-Identifier: GPL-2.0-or-later
// Whether every thread still comes round: each counts its rounds, and whoever has not gone on since the last
// time does not count as alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace farewell::service {

class Heartbeat {
 public:
    /// `rounds` are the threads' counters, always in the same order. True when every one of them has moved
    /// since this was last true (or, at first, since the start, when all were 0).
    bool have_all_come_round(std::span<const std::uint64_t> rounds);
    /// The places in `rounds` of those that have not, as of the last call.
    [[nodiscard]] std::vector<std::size_t> missing() const;

 private:
    struct Thread {
        std::uint64_t rounds = 0;  // as of the last time that all had come round
        bool has_moved = false;
    };
    std::vector<Thread> threads_;
};

}  // namespace farewell::service

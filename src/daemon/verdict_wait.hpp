// SPDX-License-Identifier: GPL-2.0-or-later
// How long the packets of the last minute waited for their verdicts: what 99 of 100 did not exceed.
//
// Threads:   sample() one; p99() any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "core/time.hpp"
#include "source/wait_counts.hpp"

namespace farewell::daemon {

class VerdictWait {
 public:
    /// Everything since the start, at least once every few seconds.
    void sample(const source::WaitCounts& all, core::Time now) {
        if (samples_.empty() || now - samples_.back().first >= kStep) {
            samples_.emplace_back(now, all);
        }
        while (samples_.size() > 1 && now - samples_[1].first >= kPeriod) {
            samples_.pop_front();
        }
        const auto p99 = all.since(samples_.front().second).quantile(0.99);
        p99_.store(p99.value_or(kNone).count(), std::memory_order_relaxed);
    }
    /// nullopt: no packet was given one.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> p99() const {
        const std::chrono::nanoseconds p99(p99_.load(std::memory_order_relaxed));
        return p99 == kNone ? std::nullopt : std::optional(p99);
    }

    static constexpr std::chrono::seconds kPeriod{60};
    static constexpr std::chrono::seconds kStep{10};

 private:
    static constexpr std::chrono::nanoseconds kNone{-1};

    std::deque<std::pair<core::Time, source::WaitCounts>>
        samples_;  // the oldest is what the minute begins with
    std::atomic<std::int64_t> p99_{kNone.count()};
};

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// Packets a second, of the time between the last two samples.
//
// Threads:   sample() one; per_second() any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace farewell::daemon {

class PacketRate {
 public:
    /// Earlier than kAtLeast after the last one it is left out.
    void sample(std::uint64_t packets, core::Time now) {
        if (last_ && now - last_->at < kAtLeast) {
            return;
        }
        if (last_) {
            const std::chrono::duration<double> passed = now - last_->at;
            per_second_.store(static_cast<double>(packets - last_->packets) / passed.count(),
                              std::memory_order_relaxed);
        }
        last_ = Sample{.at = now, .packets = packets};
    }
    /// 0 until there are two samples.
    [[nodiscard]] double per_second() const { return per_second_.load(std::memory_order_relaxed); }

    static constexpr std::chrono::milliseconds kAtLeast{500};

 private:
    struct Sample {
        core::Time at;
        std::uint64_t packets = 0;
    };
    std::optional<Sample> last_;
    std::atomic<double> per_second_{0};
};

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// How long packets waited for their verdicts after they were received: counts by length of time, from which
// a quantile can be told to a fifth.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace farewell::source {

/// Numbers of packets by how long they waited: four steps to each doubling, from half a microsecond to 17 s.
class WaitCounts {
 public:
    static constexpr unsigned kStepBits = 2;
    static constexpr unsigned kFirstWidth = 10;  // of 512 to 1023 ns, in bits
    static constexpr unsigned kLastWidth = 34;
    static constexpr std::size_t kSteps = std::size_t{kLastWidth - kFirstWidth + 1} << kStepBits;

    /// Shorter and longer ones are in the first and the last.
    [[nodiscard]] static constexpr std::size_t step_of(std::chrono::nanoseconds wait) {
        const auto length = static_cast<std::uint64_t>(wait.count() < 0 ? 0 : wait.count());
        const auto width = static_cast<unsigned>(std::bit_width(length));
        if (width < kFirstWidth) {
            return 0;
        }
        if (width > kLastWidth) {
            return kSteps - 1;
        }
        const std::uint64_t within = (length >> (width - 1 - kStepBits)) & ((1U << kStepBits) - 1);
        return (std::size_t{width - kFirstWidth} << kStepBits) + within;
    }
    /// No wait of this step is longer.
    [[nodiscard]] static constexpr std::chrono::nanoseconds end_of(std::size_t step) {
        const auto width = static_cast<unsigned>(step >> kStepBits) + kFirstWidth;
        const std::uint64_t within = step & ((1U << kStepBits) - 1);
        const std::uint64_t end = ((std::uint64_t{1} << kStepBits) + within + 1) << (width - 1 - kStepBits);
        return std::chrono::nanoseconds(end);
    }

    std::uint64_t& operator[](std::size_t step) { return counts_.at(step); }
    WaitCounts& operator+=(const WaitCounts& other) {
        for (std::size_t i = 0; i < kSteps; ++i) {
            counts_[i] += other.counts_[i];
        }
        return *this;
    }
    /// Those since `earlier`.
    [[nodiscard]] WaitCounts since(const WaitCounts& earlier) const {
        WaitCounts later = *this;
        for (std::size_t i = 0; i < kSteps; ++i) {
            later.counts_[i] -= earlier.counts_[i];
        }
        return later;
    }
    /// This share of the packets (0 to 1) waited no longer; nullopt: there are none.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> quantile(double share) const {
        std::uint64_t all = 0;
        for (const std::uint64_t count : counts_) {
            all += count;
        }
        std::uint64_t reached = 0;
        for (std::size_t i = 0; i < kSteps; ++i) {
            reached += counts_[i];
            if (reached > 0 && static_cast<double>(reached) >= share * static_cast<double>(all)) {
                return end_of(i);
            }
        }
        return std::nullopt;
    }

 private:
    std::array<std::uint64_t, kSteps> counts_{};
};

/// The same while it is counted: one thread add()s, any may read.
class WaitCounter {
 public:
    void add(std::chrono::nanoseconds wait, std::uint64_t packets) {
        auto& count = counts_[WaitCounts::step_of(wait)];
        count.store(count.load(std::memory_order_relaxed) + packets, std::memory_order_relaxed);
    }
    [[nodiscard]] WaitCounts counts() const {
        WaitCounts counts;
        for (std::size_t i = 0; i < WaitCounts::kSteps; ++i) {
            counts[i] = counts_[i].load(std::memory_order_relaxed);
        }
        return counts;
    }

 private:
    std::array<std::atomic<std::uint64_t>, WaitCounts::kSteps> counts_{};
};

}  // namespace farewell::source

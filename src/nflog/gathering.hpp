// SPDX-License-Identifier: MIT
// Whether the kernel is to hand packets over one by one or to gather them, by how fast they come. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace farewell::nflog {

class Gathering {
 public:
    using Time = std::chrono::steady_clock::time_point;

    /// From `prompt_below` packets a second on they are gathered, below half of that no longer. 0: always.
    explicit Gathering(std::uint32_t prompt_below)
        : prompt_below_(prompt_below), is_prompt_(prompt_below > 0) {}

    [[nodiscard]] bool is_prompt() const { return is_prompt_; }

    /// So many packets were received. Whether is_prompt() is another now.
    bool note(std::size_t packets, Time now) {
        if (prompt_below_ == 0) {
            return false;
        }
        packets_ += packets;
        const bool is_span_over = now - since_ >= kSpan;
        if (!is_span_over &&
            (!is_prompt_ || static_cast<double>(packets_) < most_within(kSpan, prompt_below_))) {
            return false;
        }
        const std::uint32_t limit = is_prompt_ ? prompt_below_ : prompt_below_ / 2;
        const bool is_slow =
            static_cast<double>(packets_) < most_within(std::max<Time::duration>(now - since_, kSpan), limit);
        packets_ = 0;
        since_ = now;
        return std::exchange(is_prompt_, is_slow) != is_slow;
    }

 private:
    static constexpr std::chrono::milliseconds kSpan{10};
    static double most_within(Time::duration span, std::uint32_t a_second) {
        return std::chrono::duration<double>(span).count() * a_second;
    }

    std::uint32_t prompt_below_;
    bool is_prompt_;
    std::size_t packets_ = 0;  // since
    Time since_;
};

}  // namespace farewell::nflog

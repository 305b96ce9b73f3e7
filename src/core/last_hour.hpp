// SPDX-License-Identifier: GPL-2.0-or-later
// How often something happened within the last hour, to the minute: sixty counts, each of a minute.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "core/time.hpp"

namespace farewell::core {

class LastHour {
 public:
    void add(Time now) {
        Minute& minute = minutes_[slot_of(now)];
        if (minute.number != number_of(now)) {
            minute = {.number = number_of(now), .count = 0};
        }
        ++minute.count;
    }
    [[nodiscard]] std::uint64_t count(Time now) const {
        std::uint64_t sum = 0;
        for (const Minute& minute : minutes_) {
            const std::int64_t age = number_of(now) - minute.number;
            sum += age >= 0 && age < kMinutes ? minute.count : 0;
        }
        return sum;
    }

 private:
    static constexpr std::int64_t kMinutes = 60;
    struct Minute {
        std::int64_t number = 0;  // since the clock began
        std::uint64_t count = 0;
    };
    static std::int64_t number_of(Time now) {
        return std::chrono::floor<std::chrono::minutes>(now.time_since_epoch()).count();
    }
    static std::size_t slot_of(Time now) {
        return static_cast<std::size_t>((number_of(now) % kMinutes + kMinutes) % kMinutes);
    }

    std::array<Minute, kMinutes> minutes_{};
};

}  // namespace farewell::core

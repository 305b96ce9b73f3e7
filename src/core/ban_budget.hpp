// SPDX-License-Identifier: GPL-2.0-or-later
// How many sources may be banned within a minute. Real scanners come by the dozen; whoever forges sources can
// have thousands banned, and among them whomever he likes. A token bucket: a minute's worth may go at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/time.hpp"

namespace farewell::core {

class BanBudget {
 public:
    /// 0: as many as there are.
    explicit BanBudget(std::uint32_t per_minute) : per_minute_(per_minute), left_(per_minute) {}

    /// Whether one more may be banned, which then is spent.
    bool spend(Time now) {
        if (per_minute_ == 0) {
            return true;
        }
        refill(now);
        if (left_ < 1) {
            withheld_at_ = now;
            return false;
        }
        left_ -= 1;
        return true;
    }
    /// Bans were withheld within the last kLasting.
    [[nodiscard]] bool is_overdrawn(Time now) const {
        return withheld_at_ != Time::min() && now - withheld_at_ < kLasting;
    }
    /// What is left stays, up to the new budget.
    void reconfigure(std::uint32_t per_minute) {
        left_ = per_minute_ == 0 ? per_minute : std::min<double>(left_, per_minute);
        per_minute_ = per_minute;
    }

    static constexpr std::chrono::seconds kLasting{10};

 private:
    void refill(Time now) {
        if (refilled_ != Time::min()) {
            const std::chrono::duration<double, std::ratio<60>> minutes = now - refilled_;
            left_ = std::min<double>(left_ + minutes.count() * per_minute_, per_minute_);
        }
        refilled_ = now;
    }

    std::uint32_t per_minute_;
    double left_;
    Time refilled_ = Time::min();
    Time withheld_at_ = Time::min();
};

}  // namespace farewell::core

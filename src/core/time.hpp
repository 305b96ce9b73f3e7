// SPDX-License-Identifier: GPL-2.0-or-later
// The time that the core is told: monotonic, handed in with every input, never read here.
#pragma once

#include <chrono>
#include <cstdint>

namespace farewell::core {

/// A clock that cannot be asked: live it is CLOCK_BOOTTIME (steps of the wall clock and suspends do not
/// bend a window), on a capture it is the capture's clock, in tests whatever the test says.
struct EngineClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<EngineClock, duration>;
    static constexpr bool is_steady = true;
};

using Time = EngineClock::time_point;

}  // namespace farewell::core

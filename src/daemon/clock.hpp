// SPDX-License-Identifier: GPL-2.0-or-later
// How the engine's times are shown to people.
#pragma once

#include <chrono>
#include <string>

#include "core/time.hpp"
#include "source/boot_clock.hpp"

namespace farewell::daemon {

using source::boot_now;

/// The same moment on the wall clock as it is set now.
[[nodiscard]] std::chrono::system_clock::time_point wall_time(core::Time time);

// As documents have them.

/// RFC 3339, see report::to_rfc3339.
[[nodiscard]] std::string timestamp(core::Time time);
[[nodiscard]] inline double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace farewell::daemon

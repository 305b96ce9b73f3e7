// SPDX-License-Identifier: GPL-2.0-or-later
// How the engine's times are shown to people.
#pragma once

#include <chrono>

#include "core/time.hpp"
#include "source/boot_clock.hpp"

namespace farewell::daemon {

using source::boot_now;

/// The same moment on the wall clock as it is set now.
[[nodiscard]] std::chrono::system_clock::time_point wall_time(core::Time time);

}  // namespace farewell::daemon

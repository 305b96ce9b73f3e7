// SPDX-License-Identifier: GPL-2.0-or-later
// The live clock: what the engine is told and how its times are shown to people.
#pragma once

#include <chrono>

#include "core/time.hpp"

namespace farewell::daemon {

/// CLOCK_BOOTTIME: monotonic, goes on through a suspend, blind to steps of the wall clock.
[[nodiscard]] core::Time boot_now();

/// The same moment on the wall clock as it is set now.
[[nodiscard]] std::chrono::system_clock::time_point wall_time(core::Time time);

}  // namespace farewell::daemon

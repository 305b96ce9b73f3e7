// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/clock.hpp"

namespace farewell::daemon {

std::chrono::system_clock::time_point wall_time(core::Time time) {
    return std::chrono::system_clock::now() +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(time - boot_now());
}

}  // namespace farewell::daemon

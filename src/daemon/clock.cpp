// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/clock.hpp"

#include <ctime>

namespace farewell::daemon {

core::Time boot_now() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return core::Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

std::chrono::system_clock::time_point wall_time(core::Time time) {
    return std::chrono::system_clock::now() +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(time - boot_now());
}

}  // namespace farewell::daemon

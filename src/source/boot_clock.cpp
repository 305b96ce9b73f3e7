// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/boot_clock.hpp"

#include <ctime>

namespace farewell::source {

core::Time boot_now() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return core::Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace farewell::source

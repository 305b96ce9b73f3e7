// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/clock.hpp"

#include "report/quantity_text.hpp"

namespace farewell::daemon {

std::chrono::system_clock::time_point wall_time(core::Time time) {
    return std::chrono::system_clock::now() +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(time - boot_now());
}

std::string timestamp(core::Time time) {
    return report::to_rfc3339(wall_time(time));
}

}  // namespace farewell::daemon

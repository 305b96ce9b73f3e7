// SPDX-License-Identifier: GPL-2.0-or-later
// Built where libseccomp is not.
#include "daemon/syscall_filter.hpp"

namespace farewell::daemon {

std::expected<void, std::string> restrict_system_calls() {
    return std::unexpected("restrict system calls: this farewelld was built without libseccomp");
}

}  // namespace farewell::daemon

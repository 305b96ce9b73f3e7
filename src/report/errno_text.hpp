// SPDX-License-Identifier: GPL-2.0-or-later
// What the system says of an errno.
#pragma once

#include <string>

namespace farewell::report {

/// "No such file or directory"
[[nodiscard]] std::string errno_text(int number);

}  // namespace farewell::report

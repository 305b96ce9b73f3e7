// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/errno_text.hpp"

#include <system_error>

namespace farewell::report {

std::string errno_text(int number) {
    return std::error_code(number, std::generic_category()).message();
}

}  // namespace farewell::report

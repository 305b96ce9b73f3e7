// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/evidence.hpp"

namespace farewell::core {

std::vector<std::string_view> names_of(Tools tools) {
    std::vector<std::string_view> names;
    for (std::uint8_t tool = 1; tool < kTools; ++tool) {
        if ((tools & bit_of(static_cast<Tool>(tool))) != 0) {
            names.push_back(name_of(static_cast<Tool>(tool)));
        }
    }
    return names;
}

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/action.hpp"

namespace farewell::core {

std::string_view name_of(BanReason reason) {
    switch (reason) {
        case BanReason::port_scan:
            return "port_scan";
        case BanReason::port_sweep:
            return "port_sweep";
        case BanReason::by_operator:
            return "by_operator";
        case BanReason::imported:
            return "imported";
    }
    return "unknown";
}

std::string_view name_of(UnbanReason reason) {
    switch (reason) {
        case UnbanReason::expired:
            return "expired";
        case UnbanReason::by_operator:
            return "by_operator";
        case UnbanReason::allowlisted:
            return "allowlisted";
        case UnbanReason::protected_address:
            return "protected_address";
    }
    return "unknown";
}

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// A repair of our part of the kernel's rules, as it is told of.
#pragma once

#include <string>

#include "core/time.hpp"

namespace farewell::daemon {

struct Repair {
    core::Time at;
    std::string by;  // who made it necessary; empty: the kernel did not tell
};

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// A probe and when it arrived: what travels from the receiving threads to the engine.
#pragma once

#include "core/classify.hpp"
#include "core/time.hpp"

namespace farewell::core {

struct Arrival {
    Probe probe;
    Time at;
};

}  // namespace farewell::core

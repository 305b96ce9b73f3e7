// SPDX-License-Identifier: GPL-2.0-or-later
// The live clock: what packets are stamped with and what the engine is told.
#pragma once

#include "core/time.hpp"

namespace farewell::source {

/// CLOCK_BOOTTIME: monotonic, goes on through a suspend, blind to steps of the wall clock. Any thread; no
/// system call where the vDSO has it.
[[nodiscard]] core::Time boot_now();

}  // namespace farewell::source

// SPDX-License-Identifier: GPL-2.0-or-later
// What doctor finds out about the host by itself: /proc, a few files, the kernel's rules. The edge: reads,
// and decides nothing. What may not be read, or is not there, leaves the fact as it is.
#pragma once

#include <string>
#include <vector>

#include "doctor/facts.hpp"

namespace farewell::doctor {

/// Everything but the daemon's own words; facts.config and facts.daemon come first, for what is ours depends
/// on them.
void gather_host(Facts& facts);
/// Of the files that facts.config was read from.
void gather_config_files(Facts& facts);
/// Those of a running process, without the program's name; empty if it may not be asked.
[[nodiscard]] std::vector<std::string> arguments_of(int pid);

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell replay`: its command line, and what it does. Needs no daemon and no privilege.
#pragma once

#include <string>
#include <vector>

#include "cli/judgement_options.hpp"
#include "report/exit_status.hpp"

namespace farewell::cli {

struct ReplayOptions {
    std::vector<std::string> paths;
    JudgementOptions judgement;
    bool together = false;
    bool near_misses = false;
};

void add_replay_options(CLI::App& command, ReplayOptions& options);

[[nodiscard]] report::ExitStatus run_replay(const ReplayOptions& options, bool as_json, bool quiet);

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell tune`: which threshold and window bans whom, over captures. Needs no daemon and no privilege.
#pragma once

#include <string>
#include <vector>

#include "cli/judgement_options.hpp"
#include "report/exit_status.hpp"

namespace farewell::cli {

struct TuneOptions {
    std::vector<std::string> paths;
    std::vector<std::string> benign;
    std::vector<std::string> scans;
    std::vector<std::string> scanners;
    std::vector<std::uint32_t> thresholds{3, 5, 7, 10, 15, 20};
    std::vector<std::string> windows{"2s", "1m", "10m", "1h", "1d"};
    JudgementOptions judgement;
};

void add_tune_options(CLI::App& command, TuneOptions& options);

[[nodiscard]] report::ExitStatus run_tune(const TuneOptions& options, bool as_json, bool quiet);

}  // namespace farewell::cli

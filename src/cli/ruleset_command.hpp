// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell ruleset`: shows what farewelld loads into the kernel, compares it with what is there, and turns
// the trap on and off by a file of its own beside the configuration. Nothing of another firewall is ever
// touched.
#pragma once

#include <string>
#include <vector>

#include "report/exit_status.hpp"

namespace CLI {
class App;
}

namespace farewell::cli {

struct RulesetOptions {
    std::string config_file;  // empty: as farewelld would find it
    std::vector<std::string> overrides;
    std::string hook;  // of kHooks; empty: the trap
};

/// What all commands of farewell are told.
struct RulesetSetting {
    std::string socket;
    bool as_json = false;
    bool quiet = false;
    bool dry_run = false;
};

void add_ruleset_options(CLI::App& command, RulesetOptions& options);

[[nodiscard]] report::ExitStatus print_ruleset(const RulesetOptions& options, const RulesetSetting& setting);
/// ExitStatus::failure where the two differ.
[[nodiscard]] report::ExitStatus diff_ruleset(const RulesetOptions& options, const RulesetSetting& setting);
[[nodiscard]] report::ExitStatus install_trap(const RulesetOptions& options, const RulesetSetting& setting);
[[nodiscard]] report::ExitStatus remove_trap(const RulesetOptions& options, const RulesetSetting& setting);

}  // namespace farewell::cli

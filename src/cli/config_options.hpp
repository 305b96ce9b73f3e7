// SPDX-License-Identifier: GPL-2.0-or-later
// Commands that read the configuration as farewelld would.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace CLI {
class App;
}

namespace farewell::cli {

struct ConfigOptions {
    std::string file;  // empty: as farewelld would find it
    std::vector<std::string> overrides;

    [[nodiscard]] config::ConfigSources sources() const;
};

/// --config and --set.
void add_config_options(CLI::App& command, ConfigOptions& options);
/// nullopt: stderr has been told of every mistake; the exit status is ExitStatus::configuration.
[[nodiscard]] std::optional<config::Config> load_config(const ConfigOptions& options);

}  // namespace farewell::cli

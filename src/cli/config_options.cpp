// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/config_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

namespace farewell::cli {

config::ConfigSources ConfigOptions::sources() const {
    config::ConfigSources sources{.file = std::nullopt, .overrides = overrides};
    if (!file.empty()) {
        sources.file = file;
    }
    return sources;
}

void add_config_options(CLI::App& command, ConfigOptions& options) {
    command.add_option("--config", options.file, "the configuration (default: farewelld's)")
        ->type_name("FILE");
    command.add_option("--set", options.overrides, "section.key=value: overrides any key; may be repeated")
        ->allow_extra_args(false);
}

std::optional<config::Config> load_config(const ConfigOptions& options) {
    auto config = config::load_config(options.sources());
    if (!config) {
        for (const auto& mistake : config.error()) {
            fmt::print(stderr, "{}\n", mistake.text());
        }
        return std::nullopt;
    }
    return std::move(*config);
}

}  // namespace farewell::cli

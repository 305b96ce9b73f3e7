// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell check-config`: every mistake in the configuration, before farewelld meets it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/config_options.hpp"
#include "config/config.hpp"
#include "report/printable.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using report::ExitStatus;

ExitStatus check_config(const Session& session, const ConfigOptions& options) {
    const auto config = config::load_config(options.sources());
    json document{{"schema", "farewell/check-config/v1"},
                  {"valid", config.has_value()},
                  {"files", json::array()},
                  {"errors", json::array()}};
    std::string text;
    if (!config) {
        for (const config::ConfigError& mistake : config.error()) {
            document["errors"].push_back({{"place", mistake.place}, {"message", mistake.message}});
            fmt::print(stderr, "{}\n", mistake.text());
        }
        session.say(document, "");
        return ExitStatus::configuration;
    }
    for (const auto& file : config->files) {
        document["files"].push_back(file.string());
        text += fmt::format("{}: ok\n", report::printable(file.string()));
    }
    session.say(document, text.empty() ? "no configuration file: the defaults are in force\n" : text);
    return ExitStatus::ok;
}

}  // namespace

void add_check_config_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("check-config", "find every mistake in the configuration");
    const auto options = std::make_shared<ConfigOptions>();
    command->add_option("file", options->file, "the configuration (default: farewelld's)")->type_name("FILE");
    command->add_option("--set", options->overrides, "section.key=value: overrides any key; may be repeated")
        ->allow_extra_args(false);
    session.on(*command, [&session, options] { return check_config(session, *options); });
}

}  // namespace farewell::cli

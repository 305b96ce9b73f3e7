// SPDX-License-Identifier: GPL-2.0-or-later
// farewelld: wiring only. Reads the configuration, acquires what needs privileges, gives them up, starts the
// threads, and waits for signals and for clients of the control socket.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "daemon/daemon.hpp"
#include "report/exit_status.hpp"
#include "report/printable.hpp"
#include "report/version.hpp"
#include "service/event_log.hpp"

namespace {

using farewell::config::Config;
using farewell::config::ConfigSources;
using farewell::report::ExitStatus;

int exit_with(ExitStatus status) {
    return static_cast<int>(status);
}

struct CommandLine {
    ConfigSources sources;
    bool check_config = false;
};

/// nullopt: the process is to end with `exit_code` (help, version, or a usage error).
std::optional<CommandLine> parse_command_line(int argc, char** argv, int& exit_code) {
    CommandLine line;
    std::string file;
    bool observe = false;
    CLI::App app{
        "farewelld: recognises port scanners among the packets a firewall is about to drop, and bans them."};
    app.set_version_flag("--version", std::string("farewelld ") + farewell::report::kVersion);
    app.add_option("--config", file,
                   fmt::format("configuration file (default {}, if it is there)",
                               farewell::config::kDefaultConfigFile))
        ->type_name("FILE");
    app.add_flag("--check-config", line.check_config,
                 "check the configuration, report every mistake, and exit");
    app.add_flag("--observe", observe, "do everything but ban: the same as --set mode=observe");
    app.add_option("--set", line.sources.overrides, "section.key=value: overrides any key; may be repeated")
        ->allow_extra_args(false);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? exit_with(ExitStatus::ok) : exit_with(ExitStatus::usage);
        return std::nullopt;
    }
    if (!file.empty()) {
        line.sources.file = file;
    }
    if (observe) {
        line.sources.overrides.emplace_back("mode=observe");
    }
    return line;
}

int check_config(const Config& config) {
    if (config.files.empty()) {
        fmt::print("no configuration file: the defaults are in force\n");
    }
    for (const auto& file : config.files) {
        fmt::print("{}: ok\n", farewell::report::printable(file.string()));
    }
    return exit_with(ExitStatus::ok);
}

int run(int argc, char** argv) {
    int exit_code = 0;
    const auto line = parse_command_line(argc, argv, exit_code);
    if (!line) {
        return exit_code;
    }
    const auto config = farewell::config::load_config(line->sources);
    if (!config) {
        for (const auto& mistake : config.error()) {
            fmt::print(stderr, "{}\n", mistake.text());
        }
        return exit_with(ExitStatus::configuration);
    }
    if (line->check_config) {
        return check_config(*config);
    }
    farewell::service::set_up_log();
    return exit_with(farewell::daemon::run_daemon(*config, line->sources));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "farewelld: {}\n", farewell::report::printable(error.what()));
        return exit_with(ExitStatus::failure);
    }
}

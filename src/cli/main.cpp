// SPDX-License-Identifier: GPL-2.0-or-later
// farewell: what an operator types. Parses the command line; the commands are in a file each.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <span>
#include <string>

#include "cli/commands.hpp"
#include "cli/did_you_mean.hpp"
#include "report/exit_status.hpp"
#include "report/printable.hpp"
#include "report/version.hpp"

namespace {

using farewell::report::ExitStatus;

ExitStatus run(int argc, char** argv) {
    CLI::App app{"farewell: see and steer farewelld, which bans port scanners."};
    app.set_version_flag("--version", std::string("farewell ") + farewell::report::kVersion);
    app.require_subcommand(1);
    app.failure_message([](const CLI::App* /*app*/, const CLI::Error& error) {
        return farewell::report::printable(error.what()) + "\nRun with --help for more information.\n";
    });
    farewell::cli::Session session;
    session.add_options(app);
    farewell::cli::add_status_command(app, session);
    farewell::cli::add_explain_command(app, session);
    farewell::cli::add_events_command(app, session);
    farewell::cli::add_bans_commands(app, session);
    farewell::cli::add_sources_commands(app, session);
    farewell::cli::add_watch_command(app, session);
    farewell::cli::add_allow_commands(app, session);
    farewell::cli::add_check_config_command(app, session);
    farewell::cli::add_reload_command(app, session);
    farewell::cli::add_metrics_command(app, session);
    farewell::cli::add_doctor_command(app, session);
    farewell::cli::add_ruleset_commands(app, session);
    farewell::cli::add_replay_command(app, session);
    farewell::cli::add_report_command(app, session);
    farewell::cli::add_tune_command(app, session);
    farewell::cli::add_completion_command(app, session);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (app.exit(error) == 0) {
            return ExitStatus::ok;
        }
        const std::span words(argv, static_cast<std::size_t>(argc));
        if (const auto guess = farewell::cli::did_you_mean(app, words.subspan(1))) {
            fmt::print(stderr, "did you mean `{}`?\n", *guess);
        }
        return ExitStatus::usage;
    }
    return session.run();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return static_cast<int>(run(argc, argv));
    } catch (const std::exception& error) {
        fmt::print(stderr, "farewell: {}\n", farewell::report::printable(error.what()));
        return static_cast<int>(ExitStatus::failure);
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
// farewell: what an operator types. Parses the command line; the commands are in a file each.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/did_you_mean.hpp"
#include "report/exit_status.hpp"
#include "report/printable.hpp"
#include "report/version.hpp"

namespace {

using farewell::cli::Session;
using farewell::report::ExitStatus;

/// Options count wherever they stand, also behind the mistake.
ExitStatus fail_to_parse(const CLI::App& app, const CLI::ParseError& error, std::span<char* const> words,
                         Session& session) {
    std::vector<std::string> guess;
    if (const auto meant = farewell::cli::did_you_mean(app, words)) {
        guess.push_back(fmt::format("did you mean `{}`?", *meant));
    }
    session.as_json =
        std::ranges::any_of(words, [](const char* word) { return std::string_view(word) == "--json"; });
    if (session.as_json) {
        return session.fail(
            {.status = ExitStatus::usage, .error = {}, .message = error.what(), .details = guess});
    }
    app.exit(error);
    for (const std::string& line : guess) {
        fmt::print(stderr, "{}\n", line);
    }
    return ExitStatus::usage;
}

ExitStatus run(int argc, char** argv) {
    CLI::App app{"farewell: see and steer farewelld, which bans port scanners."};
    app.set_version_flag("--version", std::string("farewell ") + farewell::report::kVersion);
    app.require_subcommand(1);
    app.failure_message([](const CLI::App* /*app*/, const CLI::Error& error) {
        return farewell::report::printable(error.what()) + "\nRun with --help for more information.\n";
    });
    Session session;
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
        if (error.get_exit_code() == 0) {
            app.exit(error);  // help, or the version
            return ExitStatus::ok;
        }
        return fail_to_parse(app, error, std::span(argv, static_cast<std::size_t>(argc)).subspan(1), session);
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

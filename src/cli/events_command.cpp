// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell events`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/document_text.hpp"
#include "cli/event_lines.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using report::ExitStatus;

struct EventsOptions {
    std::string since;
    std::string source;
    std::size_t max = 100;
    bool follow = false;
};

json parameters_of(const EventsOptions& options) {
    json parameters{{"max", options.max}};
    if (!options.since.empty()) {
        parameters["since"] = options.since;
    }
    if (!options.source.empty()) {
        parameters["source"] = options.source;
    }
    return parameters;
}

ExitStatus list_events(const Session& session, const EventsOptions& options) {
    const auto answer = session.daemon().call(report::control::method::kListEvents, parameters_of(options));
    if (!answer) {
        return session.fail(answer.error());
    }
    if (!session.as_json) {
        session.say(event_lines(for_screen(*answer)));
        return ExitStatus::ok;
    }
    for (const json& event : answer->at("events")) {
        fmt::print("{}", json_line(event));
    }
    return ExitStatus::ok;
}

ExitStatus follow_events(const Session& session, const EventsOptions& options) {
    const auto followed = session.daemon().follow(
        report::control::method::kFollowEvents, parameters_of(options), [&session](const json& event) {
            session.say(event, session.as_json ? std::string() : event_line(for_screen(event)));
            std::fflush(stdout);  // into a pipe too: whoever reads it waits for this line
        });
    return followed ? ExitStatus::ok : session.fail(followed.error());
}

}  // namespace

void add_events_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("events", "what has happened: bans, unbans, repairs");
    const auto options = std::make_shared<EventsOptions>();
    command->add_option("--since", options->since, "only the last 1h, 7d, …");
    command->add_option("--source", options->source, "only about this address or prefix");
    command->add_option("--max", options->max, "so many of the latest, at most 10000; with --follow 1000")
        ->capture_default_str();
    command->add_flag("-f,--follow", options->follow, "and then those that come, until Ctrl-C");
    session.on(*command, [&session, options] {
        return options->follow ? follow_events(session, *options) : list_events(session, *options);
    });
}

}  // namespace farewell::cli

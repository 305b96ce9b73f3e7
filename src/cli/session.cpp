// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/document_text.hpp"
#include "report/printable.hpp"

namespace farewell::cli {

using nlohmann::json;
using report::ExitStatus;

void Session::add_options(CLI::App& app) {
    app.fallthrough();
    app.add_option("--socket", socket, "the daemon's control socket")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--json", as_json, "print JSON documents");
    app.add_flag("-q,--quiet", quiet, "print nothing on success");
    app.add_flag("-n,--dry-run", dry_run, "only say what a change would do");
    static const std::map<std::string, Colour> colours{
        {"auto", Colour::automatic}, {"always", Colour::always}, {"never", Colour::never}};
    app.add_option_function<std::string>(
           "--color", [this](const std::string& word) { colour = colours.at(word); }, "auto, always or never")
        ->check(CLI::IsMember(colours))
        ->option_text("WHEN");
}

void Session::on(CLI::App& command, Action action) {
    command.callback([this, action = std::move(action)] { chosen_ = action; });
}

Paint Session::paint() const {
    return Paint(is_coloured(colour, STDOUT_FILENO));
}

void Session::say(std::string_view text) const {
    if (!quiet) {
        fmt::print("{}", text);
    }
}

void Session::say(const json& document, std::string_view text) const {
    if (as_json) {
        fmt::print("{}", json_line(document));
    } else {
        say(text);
    }
}

ExitStatus Session::fail(const CallFailure& failure) const {
    fmt::print(stderr, "farewell: {}\n", report::printable(failure.message));
    for (const std::string& detail : failure.details) {
        fmt::print(stderr, "  {}\n", report::printable(detail));
    }
    if (as_json) {
        const json document{{"schema", "farewell/error/v1"},
                            {"error", failure.error},
                            {"message", failure.message},
                            {"details", failure.details}};
        fmt::print("{}", json_line(document));
    }
    return failure.status;
}

ExitStatus Session::fail(ExitStatus status, std::string message) const {
    return fail(CallFailure{.status = status, .error = {}, .message = std::move(message), .details = {}});
}

ExitStatus Session::would(const std::string& what) const {
    say(json{{"schema", "farewell/dry-run/v1"}, {"would", what}},
        fmt::format("would {}\n", report::printable(what)));
    return ExitStatus::ok;
}

ExitStatus Session::show(std::string_view method, const json& parameters, const Screen& screen) const {
    const auto answer = daemon().call(method, parameters);
    if (!answer) {
        return fail(answer.error());
    }
    say(*answer, as_json ? std::string() : screen(for_screen(*answer), paint()));
    return ExitStatus::ok;
}

}  // namespace farewell::cli

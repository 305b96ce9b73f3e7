// SPDX-License-Identifier: GPL-2.0-or-later
// farewell: what an operator types. Parses the command line, makes one call to the daemon, shows the answer.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/control_client.hpp"
#include "cli/event_lines.hpp"
#include "cli/replay_command.hpp"
#include "cli/ruleset_command.hpp"
#include "cli/screens.hpp"
#include "cli/tune_command.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"
#include "report/exit_status.hpp"
#include "report/suggestion.hpp"
#include "report/version.hpp"

namespace {

using farewell::cli::CallFailure;
using farewell::cli::ControlClient;
using farewell::report::ExitStatus;
using nlohmann::json;
namespace method = farewell::report::control::method;

struct Options {
    std::string socket = "/run/farewell/control.sock";
    bool as_json = false;
    bool quiet = false;
    bool dry_run = false;
    std::string address;
    std::string source;
    std::string duration;
    bool all = false;
    std::string since;
    std::size_t max = 100;
    farewell::cli::ReplayOptions replay;
    farewell::cli::TuneOptions tune;
    farewell::cli::RulesetOptions ruleset;
};

void say(const Options& options, std::string_view text) {
    if (!options.quiet) {
        fmt::print("{}", text);
    }
}

ExitStatus fail(const Options& options, const CallFailure& failure) {
    fmt::print(stderr, "farewell: {}\n", failure.message);
    for (const std::string& detail : failure.details) {
        fmt::print(stderr, "  {}\n", detail);
    }
    if (options.as_json) {
        const json document{{"schema", "farewell/error/v1"},
                            {"error", failure.error},
                            {"message", failure.message},
                            {"details", failure.details}};
        fmt::print("{}\n", document.dump());
    }
    return failure.status;
}

/// Calls, and shows the document as JSON or as `screen` makes it.
ExitStatus show(const Options& options, std::string_view name, const json& parameters,
                const std::function<std::string(const json&)>& screen) {
    const auto answer = ControlClient(options.socket).call(name, parameters);
    if (!answer) {
        return fail(options, answer.error());
    }
    if (options.as_json) {
        fmt::print("{}\n", answer->dump());
    } else {
        say(options, screen(*answer));
    }
    return ExitStatus::ok;
}

ExitStatus dry_run(const Options& options, const std::string& what) {
    if (options.as_json) {
        fmt::print("{}\n", json{{"schema", "farewell/dry-run/v1"}, {"would", what}}.dump());
    } else {
        say(options, fmt::format("would {}\n", what));
    }
    return ExitStatus::ok;
}

ExitStatus status(const Options& options) {
    const auto answer = ControlClient(options.socket).call(method::kStatus, json::object());
    if (!answer) {
        return fail(options, answer.error());
    }
    say(options, options.as_json ? answer->dump() + "\n" : farewell::cli::status_screen(*answer));
    return answer->at("degraded") == true ? ExitStatus::degraded : ExitStatus::ok;
}

ExitStatus add_ban(const Options& options) {
    json parameters{{"source", options.source}};
    if (!options.duration.empty()) {
        parameters["duration"] = options.duration;
    }
    if (options.dry_run) {
        return dry_run(options, fmt::format("ban {} for {}", options.source,
                                            options.duration.empty() ? "ban.duration" : options.duration));
    }
    return show(options, method::kAddBan, parameters, [](const json& ban) {
        return (ban.at("already") == true ? "already banned: " : "banned: ") + farewell::cli::ban_screen(ban);
    });
}

ExitStatus remove_ban(const Options& options) {
    if (options.all == !options.source.empty()) {
        fmt::print(stderr, "farewell: bans remove takes an address, a prefix or --all\n");
        return ExitStatus::usage;
    }
    if (options.dry_run) {
        return dry_run(options, options.all ? "unban every source" : fmt::format("unban {}", options.source));
    }
    if (options.all) {
        return show(options, method::kRemoveAllBans, json::object(), [](const json& answer) {
            return fmt::format("unbanned {} sources\n", answer.at("removed").get<std::size_t>());
        });
    }
    return show(options, method::kRemoveBan, {{"source", options.source}}, farewell::cli::unban_screen);
}

ExitStatus list_bans(const Options& options) {
    return show(options, method::kListBans, json::object(), farewell::cli::bans_screen);
}

ExitStatus get_ban(const Options& options) {
    return show(options, method::kGetBan, {{"source", options.source}}, farewell::cli::ban_screen);
}

ExitStatus explain(const Options& options) {
    return show(options, method::kExplain, {{"address", options.address}}, farewell::cli::explain_screen);
}

ExitStatus events(const Options& options) {
    json parameters{{"max", options.max}};
    if (!options.since.empty()) {
        parameters["since"] = options.since;
    }
    if (!options.source.empty()) {
        parameters["source"] = options.source;
    }
    const auto answer = ControlClient(options.socket).call(method::kListEvents, parameters);
    if (!answer) {
        return fail(options, answer.error());
    }
    if (!options.as_json) {
        say(options, farewell::cli::event_lines(*answer));
        return ExitStatus::ok;
    }
    for (const json& event : answer->at("events")) {
        fmt::print("{}\n", event.dump());
    }
    return ExitStatus::ok;
}

ExitStatus reload(const Options& options) {
    if (options.dry_run) {
        return dry_run(
            options,
            "have the daemon read its configuration again (check it first: farewelld --check-config)");
    }
    return show(options, method::kReload, json::object(),
                [](const json&) { return "configuration reloaded\n"; });
}

ExitStatus replay(const Options& options) {
    return farewell::cli::run_replay(options.replay, options.as_json, options.quiet);
}

ExitStatus tune(const Options& options) {
    return farewell::cli::run_tune(options.tune, options.as_json, options.quiet);
}

template <ExitStatus (*Action)(const farewell::cli::RulesetOptions&, const farewell::cli::RulesetSetting&)>
ExitStatus ruleset(const Options& options) {
    return Action(options.ruleset, {.socket = options.socket,
                                    .as_json = options.as_json,
                                    .quiet = options.quiet,
                                    .dry_run = options.dry_run});
}

void add_ruleset_commands(CLI::App& app, Options& options,
                          const std::function<std::function<void()>(ExitStatus (*)(const Options&))>& does) {
    CLI::App* commands = app.add_subcommand("ruleset", "what farewelld loads into the kernel, and the trap");
    commands->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, ExitStatus (*action)(const Options&)) {
        CLI::App* command = commands->add_subcommand(name, help);
        farewell::cli::add_ruleset_options(*command, options.ruleset);
        command->callback(does(action));
    };
    add("print", "what farewelld loads by its configuration, as nftables text",
        ruleset<farewell::cli::print_ruleset>);
    add("diff", "in what the kernel's table differs from it; exit status 1 if it does",
        ruleset<farewell::cli::diff_ruleset>);
    add("install", "turn the trap on: closed ports are found without a rule of your own",
        ruleset<farewell::cli::install_trap>);
    add("remove", "turn it off again", ruleset<farewell::cli::remove_trap>);
}

void add_address(CLI::App& command, Options& options) {
    command.add_option("address", options.address, "an IPv4 or IPv6 address")
        ->required()
        ->check([](const std::string& text) {
            return farewell::report::parse_address(text)
                       ? std::string()
                       : fmt::format("`{}` is not an IPv4 or IPv6 address", text);
        });
}

void add_source(CLI::App& command, Options& options, bool required) {
    command.add_option("source", options.source, "an address, or a prefix such as 2001:db8:0:1::/64")
        ->required(required)
        ->check([](const std::string& text) {
            const auto source = farewell::report::parse_source(text);
            return source ? std::string() : source.error();
        });
}

/// "Did you mean" for a mistyped command; CLI11 only says that one was expected.
void suggest(std::span<char*> arguments) {
    static constexpr std::array<std::string_view, 15> kWords{
        "status", "bans", "events", "replay", "tune", "explain", "reload", "list",
        "remove", "add",  "get",    "print",  "diff", "install", "ruleset"};
    for (const std::string_view word : arguments.subspan(1)) {
        if (word.starts_with('-') || std::ranges::find(kWords, word) != kWords.end()) {
            continue;
        }
        if (const auto guess = farewell::report::nearest(word, kWords)) {
            fmt::print(stderr, "did you mean `{}`?\n", *guess);
            return;
        }
    }
}

ExitStatus run(int argc, char** argv) {
    Options options;
    std::function<ExitStatus(const Options&)> chosen;
    const auto does = [&chosen](ExitStatus (*action)(const Options&)) {
        return [&chosen, action] { chosen = action; };
    };

    CLI::App app{"farewell: see and steer farewelld, which bans port scanners."};
    app.set_version_flag("--version", std::string("farewell ") + farewell::report::kVersion);
    app.require_subcommand(1);
    app.fallthrough();  // global options may stand anywhere
    app.add_option("--socket", options.socket, "the daemon's control socket")->capture_default_str();
    app.add_flag("--json", options.as_json, "print JSON documents");
    app.add_flag("-q,--quiet", options.quiet, "print nothing on success");
    app.add_flag("-n,--dry-run", options.dry_run, "only say what a change would do");

    app.add_subcommand("status", "how the daemon is doing")->callback(does(status));
    CLI::App* explain_command = app.add_subcommand("explain", "why an address is banned, or what is missing");
    add_address(*explain_command, options);
    explain_command->callback(does(explain));
    CLI::App* events_command = app.add_subcommand("events", "what has happened: bans, unbans, repairs");
    events_command->add_option("--since", options.since, "only the last 1h, 7d, …");
    events_command->add_option("--source", options.source, "only about this address or prefix");
    events_command->add_option("--max", options.max, "so many of the latest, at most 10000")
        ->capture_default_str();
    events_command->callback(does(events));
    app.add_subcommand("reload", "have the daemon read its configuration again")->callback(does(reload));

    CLI::App* replay_command =
        app.add_subcommand("replay", "judge capture files: who would have been banned");
    farewell::cli::add_replay_options(*replay_command, options.replay);
    replay_command->callback(does(replay));
    CLI::App* tune_command = app.add_subcommand("tune", "try thresholds and windows on capture files");
    farewell::cli::add_tune_options(*tune_command, options.tune);
    tune_command->callback(does(tune));

    add_ruleset_commands(app, options, does);

    CLI::App* bans = app.add_subcommand("bans", "who is banned, and changes to it");
    bans->require_subcommand(1);
    bans->add_subcommand("list", "all bans")->callback(does(list_bans));
    CLI::App* get = bans->add_subcommand("get", "one ban");
    add_source(*get, options, true);
    get->callback(does(get_ban));
    CLI::App* add = bans->add_subcommand("add", "ban an address or a prefix by hand");
    add_source(*add, options, true);
    add->add_option("--for", options.duration, "how long, such as 2h (default: ban.duration)");
    add->callback(does(add_ban));
    CLI::App* remove = bans->add_subcommand("remove", "let an address or a prefix in again");
    add_source(*remove, options, false);
    remove->add_flag("--all", options.all, "every banned address");
    remove->callback(does(remove_ban));

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (app.exit(error) == 0) {
            return ExitStatus::ok;
        }
        suggest(std::span(argv, static_cast<std::size_t>(argc)));
        return ExitStatus::usage;
    }
    return chosen(options);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return static_cast<int>(run(argc, argv));
    } catch (const std::exception& error) {
        fmt::print(stderr, "farewell: {}\n", error.what());
        return static_cast<int>(ExitStatus::failure);
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell bans`: who is banned, and changes to it by hand.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/ban_list_command.hpp"
#include "cli/commands.hpp"
#include "cli/screens.hpp"
#include "cli/source_option.hpp"
#include "report/control_protocol.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

namespace method = report::control::method;
using nlohmann::json;
using report::ExitStatus;

struct BansOptions {
    std::string source;
    std::string duration;
    std::string note;
    bool all = false;
};

ExitStatus add_ban(const Session& session, const BansOptions& options) {
    if (session.dry_run) {
        return session.would(fmt::format("ban {} for {}", options.source,
                                         options.duration.empty() ? "ban.duration" : options.duration));
    }
    json parameters{{"source", options.source}};
    if (!options.duration.empty()) {
        parameters["duration"] = options.duration;
    }
    if (!options.note.empty()) {
        parameters["note"] = options.note;
    }
    return session.show(method::kAddBan, parameters, [](const json& ban, const Paint& paint) {
        return (ban.at("already") == true ? "already banned: " : "banned: ") + ban_screen(ban, paint);
    });
}

ExitStatus remove_ban(const Session& session, const BansOptions& options) {
    if (options.all == !options.source.empty()) {
        return session.fail(ExitStatus::usage, "bans remove takes an address, a prefix or --all");
    }
    if (session.dry_run) {
        return session.would(options.all ? "unban every source" : fmt::format("unban {}", options.source));
    }
    if (options.all) {
        return session.show(
            method::kRemoveAllBans, json::object(), [](const json& answer, const Paint& /*paint*/) {
                return fmt::format("unbanned {}\n",
                                   report::counted(answer.at("removed").get<std::size_t>(), "source"));
            });
    }
    return session.show(method::kRemoveBan, {{"source", options.source}}, unban_screen);
}

}  // namespace

void add_bans_commands(CLI::App& app, Session& session) {
    CLI::App* bans = app.add_subcommand("bans", "who is banned, and changes to it");
    bans->require_subcommand(1);
    const auto options = std::make_shared<BansOptions>();

    session.on(*bans->add_subcommand("list", "all bans"),
               [&session] { return session.show(method::kListBans, json::object(), bans_screen); });
    CLI::App* get = bans->add_subcommand("get", "one ban");
    add_source(*get, options->source)->required();
    session.on(*get, [&session, options] {
        return session.show(method::kGetBan, {{"source", options->source}}, ban_screen);
    });
    CLI::App* add = bans->add_subcommand("add", "ban an address or a prefix by hand");
    add_source(*add, options->source)->required();
    add->add_option("--for", options->duration, "how long, such as 2h (default: ban.duration)");
    add->add_option("--reason", options->note, "a note to yourself");
    session.on(*add, [&session, options] { return add_ban(session, *options); });
    CLI::App* remove = bans->add_subcommand("remove", "let an address or a prefix in again");
    add_source(*remove, options->source);
    remove->add_flag("--all", options->all, "every banned address");
    session.on(*remove, [&session, options] { return remove_ban(session, *options); });
    add_ban_list_commands(*bans, session);
}

}  // namespace farewell::cli

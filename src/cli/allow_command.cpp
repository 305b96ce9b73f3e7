// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell allow`: whom farewell never bans, and changes to it by hand.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/document_text.hpp"
#include "cli/screens.hpp"
#include "cli/ssh_peer.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli {
namespace {

namespace method = report::control::method;
using nlohmann::json;
using report::ExitStatus;

struct AllowOptions {
    std::string network;
    std::string note;
};

ExitStatus allow(const Session& session, const std::string& network, const std::string& note) {
    if (session.dry_run) {
        return session.would(fmt::format("allow {}", network));
    }
    json parameters{{"source", network}};
    if (!note.empty()) {
        parameters["note"] = note;
    }
    return session.show(method::kAddAllowed, parameters, allowed_screen);
}

ExitStatus allow_me(const Session& session, const std::string& note) {
    const auto peer = ssh_peer();
    if (!peer) {
        return session.fail(
            ExitStatus::not_there,
            "this is no SSH session (no SSH_CONNECTION here or in a parent process); name the "
            "address: farewell allow add ADDRESS");
    }
    return allow(session, report::to_text(*peer), note);
}

CLI::Option* add_network(CLI::App& command, AllowOptions& options) {
    return command.add_option("network", options.network, "an address, or a network such as 192.0.2.0/24")
        ->required()
        ->check([](const std::string& text) {
            return report::parse_prefix(text)
                       ? std::string()
                       : fmt::format("`{}` is not an address, nor a network without host bits", text);
        });
}

}  // namespace

void add_allow_commands(CLI::App& app, Session& session) {
    CLI::App* commands = app.add_subcommand("allow", "who is never banned, and changes to it");
    commands->require_subcommand(1);
    const auto options = std::make_shared<AllowOptions>();
    session.on(*commands->add_subcommand("list", "who is never banned, and why"),
               [&session] { return session.show(method::kListAllowed, json::object(), allowlist_screen); });
    CLI::App* add = commands->add_subcommand("add", "never ban an address or a network; lifts its bans");
    add_network(*add, *options);
    add->add_option("--reason", options->note, "a note to yourself");
    session.on(*add, [&session, options] { return allow(session, options->network, options->note); });
    CLI::App* remove = commands->add_subcommand("remove", "take off the allowlist what was added by hand");
    add_network(*remove, *options);
    session.on(*remove, [&session, options] {
        if (session.dry_run) {
            return session.would(fmt::format("take {} off the allowlist", options->network));
        }
        return session.show(method::kRemoveAllowed, {{"source", options->network}}, disallowed_screen);
    });
    CLI::App* me = commands->add_subcommand("me", "never ban where this SSH session comes from");
    me->add_option("--reason", options->note, "a note to yourself");
    session.on(*me, [&session, options] { return allow_me(session, options->note); });
}

}  // namespace farewell::cli

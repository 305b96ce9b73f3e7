// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell explain`.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/screens.hpp"
#include "cli/source_option.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli {

void add_explain_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("explain", "why an address is banned, or what is missing");
    const auto address = std::make_shared<std::string>();
    add_address(*command, *address);
    session.on(*command, [&session, address] {
        return session.show(report::control::method::kExplain, {{"address", *address}}, explain_screen);
    });
}

}  // namespace farewell::cli

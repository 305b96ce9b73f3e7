// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell sources`.
#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/screens.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli {

void add_sources_commands(CLI::App& app, Session& session) {
    CLI::App* commands = app.add_subcommand("sources", "who has tried closed ports and is not banned");
    commands->require_subcommand(1);
    CLI::App* top = commands->add_subcommand("top", "those nearest to a ban");
    const auto max = std::make_shared<std::size_t>(20);
    top->add_option("--max", *max, "so many, at most 1000")->capture_default_str();
    session.on(*top, [&session, max] {
        return session.show(report::control::method::kTopSources, {{"max", *max}}, sources_screen);
    });
}

}  // namespace farewell::cli

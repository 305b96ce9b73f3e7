// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell status` and `farewell reload`.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/document_text.hpp"
#include "cli/screens.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli {

namespace method = report::control::method;
using nlohmann::json;
using report::ExitStatus;

void add_status_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("status", "how the daemon is doing");
    session.on(*command, [&session] {
        const auto answer = session.daemon().call(method::kStatus, json::object());
        if (!answer) {
            return session.fail(answer.error());
        }
        session.say(*answer, status_screen(for_screen(*answer), session.paint()));
        return answer->at("degraded") == true ? ExitStatus::degraded : ExitStatus::ok;
    });
}

void add_reload_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("reload", "have the daemon read its configuration again");
    session.on(*command, [&session] {
        if (session.dry_run) {
            return session.would(
                "have the daemon read its configuration again (check it first: farewell check-config)");
        }
        return session.show(method::kReload, json::object(),
                            [](const json&, const Paint&) { return "configuration reloaded\n"; });
    });
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell metrics`.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "report/control_protocol.hpp"
#include "report/metric.hpp"

namespace farewell::cli {

void add_metrics_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("metrics", "what the daemon counts, as Prometheus reads it");
    session.on(*command, [&session] {
        return session.show(report::control::method::kMetrics, nlohmann::json::object(),
                            [](const nlohmann::json& document, const Paint&) {
                                return report::metrics_to_text(report::metrics_from_json(document));
                            });
    });
}

}  // namespace farewell::cli

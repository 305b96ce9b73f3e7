// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell doctor`: gathers what there is to know, has it judged, shows the findings.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cli/commands.hpp"
#include "cli/config_options.hpp"
#include "cli/doctor_screen.hpp"
#include "cli/ssh_peer.hpp"
#include "doctor/checks.hpp"
#include "doctor/daemon_facts.hpp"
#include "doctor/host_facts.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"
#include "report/version.hpp"

namespace farewell::cli {
namespace {

namespace method = report::control::method;
using doctor::Answer;
using doctor::Facts;
using nlohmann::json;
using report::ExitStatus;

void ask_daemon(const Session& session, Facts& facts) {
    const ControlClient client = session.daemon();
    const auto status = client.call(method::kStatus, json::object());
    if (!status) {
        facts.answer =
            status.error().status == ExitStatus::no_permission ? Answer::no_permission : Answer::unreachable;
        facts.no_answer = status.error().message;
        return;
    }
    facts.answer = Answer::given;
    facts.daemon = doctor::daemon_facts(*status);
    if (const auto allowed = client.call(method::kListAllowed, json::object())) {
        facts.allowed = allowed->at("networks").size();
    }
    if (const auto peer = ssh_peer()) {
        const std::string address = report::to_text(*peer);
        if (const auto explanation = client.call(method::kExplain, {{"address", address}})) {
            facts.peer =
                doctor::Peer{.address = address, .protected_by = doctor::protection_of(*explanation)};
        }
    }
}

/// As the running daemon reads it; or as one would that is started now, or as the command line says.
void read_config(const ConfigOptions& options, Facts& facts) {
    config::ConfigSources sources = options.sources();
    if (facts.daemon) {
        const config::ConfigSources running = doctor::sources_of(doctor::arguments_of(facts.daemon->pid));
        for (const std::string& assignment : running.overrides) {
            facts.observes_by_command_line = facts.observes_by_command_line || assignment == "mode=observe";
        }
        if (!sources.file && sources.overrides.empty()) {
            sources = running;
        }
    }
    facts.config_file = sources.file.value_or(config::kDefaultConfigFile).string();
    auto config = config::load_config(sources);
    if (!config) {
        for (const config::ConfigError& mistake : config.error()) {
            facts.config_errors.push_back(mistake.text());
        }
        return;
    }
    facts.config = std::move(*config);
    doctor::gather_config_files(facts);
}

ExitStatus examine(const Session& session, const ConfigOptions& options) {
    Facts facts;
    facts.version = report::kVersion;
    ask_daemon(session, facts);
    read_config(options, facts);
    doctor::gather_host(facts);
    const auto findings = doctor::judge(facts);
    session.say(doctor_document(findings), doctor_screen(findings, session.paint()));
    return doctor_status(findings);
}

}  // namespace

void add_doctor_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("doctor", "what is wrong or odd here, and what would mend it");
    const auto options = std::make_shared<ConfigOptions>();
    add_config_options(*command, *options);
    session.on(*command, [&session, options] { return examine(session, *options); });
}

}  // namespace farewell::cli

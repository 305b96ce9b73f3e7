// SPDX-License-Identifier: GPL-2.0-or-later
// Every command of farewell, a file each: adds itself to the command line, and tells the session what to do
// when it is typed. `app` and `session` outlive what was typed.
#pragma once

#include "cli/session.hpp"

namespace farewell::cli {

void add_status_command(CLI::App& app, Session& session);
void add_explain_command(CLI::App& app, Session& session);
void add_events_command(CLI::App& app, Session& session);
void add_bans_commands(CLI::App& app, Session& session);
void add_sources_commands(CLI::App& app, Session& session);
/// A live view on terminals; the daemon's pictures as JSON Lines elsewhere.
void add_watch_command(CLI::App& app, Session& session);
void add_allow_commands(CLI::App& app, Session& session);
void add_check_config_command(CLI::App& app, Session& session);
void add_reload_command(CLI::App& app, Session& session);
void add_metrics_command(CLI::App& app, Session& session);
void add_doctor_command(CLI::App& app, Session& session);
/// What farewelld loads into the kernel, compared with what is there; and the trap, turned on and off by a
/// file of its own beside the configuration. Nothing of another firewall is ever touched.
void add_ruleset_commands(CLI::App& app, Session& session);
/// Needs no daemon and no privilege, as the next.
void add_replay_command(CLI::App& app, Session& session);
/// A page of HTML, of captures or of the daemon's history.
void add_report_command(CLI::App& app, Session& session);
/// Which threshold and window bans whom, over captures.
void add_tune_command(CLI::App& app, Session& session);

/// Of `app` as it is when the command runs; needs no daemon.
void add_completion_command(CLI::App& app, Session& session);

}  // namespace farewell::cli

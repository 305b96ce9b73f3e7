// SPDX-License-Identifier: GPL-2.0-or-later
// One life of the daemon, from acquiring the kernel's resources to giving them back.
#pragma once

#include "config/config.hpp"
#include "report/exit_status.hpp"

namespace farewell::daemon {

/// Runs until SIGTERM or SIGINT, or until it cannot go on; says why in the log. `sources` are read again on
/// reload.
[[nodiscard]] report::ExitStatus run_daemon(const config::Config& config,
                                            const config::ConfigSources& sources);

}  // namespace farewell::daemon

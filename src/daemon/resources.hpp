// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon needs of the kernel and of the file system, acquired in the right order, and the privileges
// it gives up once it has them (docs/adr/0003).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "conntrack/flow_table.hpp"
#include "core/action.hpp"
#include "daemon/allowlist_file.hpp"
#include "daemon/control_server.hpp"
#include "daemon/state_directory.hpp"
#include "enforce/enforcer.hpp"
#include "host/host_watch.hpp"
#include "nft/change_watch.hpp"
#include "report/exit_status.hpp"
#include "source/packet_source.hpp"

namespace farewell::daemon {

/// Why the daemon cannot start, in a sentence with the next step.
struct StartFailure {
    std::string message;
    report::ExitStatus status = report::ExitStatus::failure;
};

/// Everything that needs privileges to come into being, in the order in which it is acquired.
struct Resources {
    StateDirectory state;
    AllowlistFile allowed_by_hand;
    ControlSocket control;
    host::HostWatch host;
    std::unique_ptr<source::SharedKnowledge> knowledge;  // published by us, looked up by receiving threads
    std::unique_ptr<source::PacketSource> source;
    std::unique_ptr<enforce::Enforcer> enforcer;
    std::unique_ptr<conntrack::FlowTable> flows;  // nullptr: observing
    std::shared_ptr<nft::ChangeWatch> changes;    // of our table by others; none: observing
    std::vector<core::Ban> adopted;  // what the kernel held and ban.on_start = "keep" leaves there
};

/// All or nothing. Touches no ban before the queues or the log group are ours: if they belong to somebody
/// else, so may the bans.
[[nodiscard]] std::expected<Resources, StartFailure> acquire(const config::Config& config);

/// Root becomes config.user; everybody keeps CAP_NET_ADMIN alone. Before any thread is started.
[[nodiscard]] std::expected<void, StartFailure> give_up_privileges(const config::Config& config,
                                                                   const Resources& resources);

}  // namespace farewell::daemon

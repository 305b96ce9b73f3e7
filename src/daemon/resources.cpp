// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/resources.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "config/table_content.hpp"
#include "conntrack/conntrack.hpp"
#include "core/allowlist.hpp"
#include "daemon/clock.hpp"
#include "daemon/privileges.hpp"
#include "enforce/nft_enforcer.hpp"
#include "enforce/observe_enforcer.hpp"
#include "nft/ruleset.hpp"
#include "source/nflog_source.hpp"
#include "source/nfqueue_source.hpp"

namespace farewell::daemon {
namespace {

using config::CaptureSource;
using config::CaptureVerdict;
using config::Config;
using config::OnStart;
using report::ExitStatus;

std::unexpected<StartFailure> cannot(std::string message, ExitStatus status = ExitStatus::failure) {
    return std::unexpected(StartFailure{.message = std::move(message), .status = status});
}

std::unexpected<StartFailure> cannot(const Error& error) {
    switch (error.kind) {
        case ErrorKind::no_permission:
            return cannot(error.message() + "; start farewelld as root or with CAP_NET_ADMIN",
                          ExitStatus::no_permission);
        case ErrorKind::taken:
            return cannot(error.message() +
                          "; stop that process, or choose another by capture.queues or capture.group");
        case ErrorKind::not_supported:
            return cannot(error.message() + "; load the module: modprobe " + error.lacking);
        case ErrorKind::invalid_config:
        case ErrorKind::system:
            break;
    }
    return cannot(error.message());
}

std::unexpected<StartFailure> cannot(const enforce::EnforceError& error) {
    switch (error.failure) {
        case enforce::Failure::no_permission:
            return cannot(error.message +
                              "; start farewelld with CAP_NET_ADMIN, or choose another nft.table if this one "
                              "belongs to another process",
                          ExitStatus::no_permission);
        case enforce::Failure::unsupported:
            return cannot(error.message + "; this kernel needs nf_tables: modprobe nf_tables");
        case enforce::Failure::table_gone:
        case enforce::Failure::set_full:
        case enforce::Failure::other:
            break;
    }
    return cannot(error.message);
}

std::expected<std::unique_ptr<source::PacketSource>, Error> open_source(
    const Config::Capture& capture, const source::SharedKnowledge& knowledge) {
    if (capture.source == CaptureSource::nflog) {
        return source::open_nflog({.group = capture.group,
                                   .copy_range = capture.copy_range,
                                   .receive_buffer_bytes = capture.receive_buffer},
                                  knowledge);
    }
    return source::open_nfqueue({.first_queue = capture.first_queue,
                                 .last_queue = capture.last_queue,
                                 .copy_range = capture.copy_range,
                                 .max_length = capture.max_length,
                                 .receive_buffer_bytes = capture.receive_buffer,
                                 .accept = capture.verdict == CaptureVerdict::accept},
                                knowledge);
}

/// The bans to take over. Those of whom this host allows or needs are lifted.
std::expected<std::vector<core::Ban>, enforce::EnforceError> bans_in_kernel(
    enforce::Enforcer& enforcer, const std::vector<core::Prefix>& never_banned) {
    const auto held = enforcer.list();
    if (!held) {
        return std::unexpected(held.error());
    }
    const core::Time now = boot_now();
    std::vector<core::Ban> bans;
    bans.reserve(held->size());
    const core::Allowlist allowlist(never_banned);
    std::vector<core::Prefix> freed;
    for (const enforce::EnforcedBan& ban : *held) {
        if (allowlist.overlaps(ban.source)) {
            freed.push_back(ban.source);
        } else {
            bans.push_back({.source = ban.source, .until = now + ban.time_left, .soft = ban.soft});
        }
    }
    if (auto lifted = enforcer.unban(freed); !lifted) {
        return std::unexpected(lifted.error());
    }
    return bans;
}

std::expected<std::vector<core::Ban>, enforce::EnforceError> prepare(
    enforce::Enforcer& enforcer, OnStart on_start, const std::vector<core::Prefix>& never_banned) {
    if (auto allowed = enforcer.allow(never_banned);
        !allowed && allowed.error().failure != enforce::Failure::table_gone) {
        return std::unexpected(allowed.error());  // before the table is there, build() will use it
    }
    if (auto built = enforcer.build(); !built) {
        return std::unexpected(built.error());
    }
    if (on_start == OnStart::keep) {
        return bans_in_kernel(enforcer, never_banned);
    }
    if (auto cleared = enforcer.clear(); !cleared) {
        return std::unexpected(cleared.error());
    }
    return {};
}

/// The enforcer, and what others do to the table it is to build.
std::expected<void, StartFailure> open_enforcer(const Config& config, Resources& resources) {
    const auto content = config::table_content(config);
    if (!content) {
        resources.enforcer = std::make_unique<enforce::ObserveEnforcer>();
        return {};
    }
    if (content->trap && config.capture.source == CaptureSource::nfqueue) {
        if (const auto checked = nft::check_text(nft::queue_probe_text()); !checked) {
            return cannot(
                fmt::format("the trap needs nftables' queue statement, and this kernel refuses it: {}; set "
                            "capture.source = \"nflog\" (farewell ruleset install does that by itself)",
                            checked.error()),
                ExitStatus::configuration);
        }
    }
    auto enforcer = std::make_unique<enforce::NftEnforcer>(
        enforce::NftSettings{.table = config.nft_table, .content = *content});
    // Before the table is built: what happens to it from then on is heard of.
    auto changes = enforcer->watch();
    if (!changes) {
        return cannot(changes.error());
    }
    resources.changes = std::move(*changes);
    if (content->bans) {
        auto flows = conntrack::Conntrack::open();
        if (!flows) {
            return cannot(flows.error());
        }
        resources.flows = std::move(*flows);
        resources.enforcer = std::move(enforcer);
    } else {
        resources.enforcer = std::make_unique<enforce::ObserveEnforcer>(std::move(enforcer));
    }
    return {};
}

std::expected<host::HostWatch, Error> open_host(const Config& config) {
    host::HostSettings settings;
    settings.remember_services = config.remember_services;
    settings.protect_sessions = config.protect_sessions;
    settings.services_file = config.state_directory / "services";
    auto host = host::HostWatch::open(std::move(settings), boot_now(), std::chrono::system_clock::now());
    if (host) {
        static_cast<void>(host->refresh(boot_now()));  // nobody is judged before we know whom we need
    }
    return host;
}

}  // namespace

std::expected<Resources, StartFailure> acquire(const Config& config) {
    if (!has_net_admin()) {
        return cannot(
            "farewelld needs CAP_NET_ADMIN to read packet queues and to ban; start it as root (it then gives "
            "up all the "
            "rest by itself) or grant the capability: AmbientCapabilities=CAP_NET_ADMIN in a systemd unit",
            ExitStatus::no_permission);
    }
    auto state = StateDirectory::open(config.state_directory);
    if (!state) {
        return cannot(state.error());
    }
    auto allowed_by_hand = AllowlistFile::open(config.state_directory / "allowed");
    if (!allowed_by_hand) {
        return cannot(allowed_by_hand.error());
    }
    auto control = ControlSocket::bind(config.control_socket);
    if (!control) {
        return cannot(control.error());
    }
    auto host = open_host(config);
    if (!host) {
        return cannot(host.error());
    }
    Resources resources{.state = std::move(*state),
                        .allowed_by_hand = std::move(*allowed_by_hand),
                        .control = std::move(*control),
                        .host = std::move(*host),
                        .knowledge = {},
                        .source = {},
                        .enforcer = {},
                        .flows = {},
                        .changes = {},
                        .adopted = {}};
    resources.knowledge = std::make_unique<source::SharedKnowledge>();
    resources.knowledge->publish(resources.host.knowledge());

    // The queues before the table: if they belong to somebody else, so may the bans.
    auto source = open_source(config.capture, *resources.knowledge);
    if (!source) {
        return cannot(source.error());
    }
    resources.source = std::move(*source);
    if (auto opened = open_enforcer(config, resources); !opened) {
        return std::unexpected(opened.error());
    }
    auto adopted =
        prepare(*resources.enforcer, config.on_start,
                core::never_banned(with_networks(config.allowed_networks, resources.allowed_by_hand),
                                   *resources.host.knowledge()));
    if (!adopted) {
        return cannot(adopted.error());
    }
    resources.adopted = std::move(*adopted);
    const auto wanted = config::table_content(config);
    if (wanted && wanted->brake && !resources.enforcer->brake()) {
        spdlog::warn(
            "this kernel's nftables cannot find out for which ports there is a socket: nobody is braked "
            "(trap.brake)");
    }
    return resources;
}

std::expected<void, StartFailure> give_up_privileges(const Config& config, const Resources& resources) {
    if (!is_root()) {
        if (auto kept = keep_only_net_admin(); !kept) {
            return cannot(kept.error(), ExitStatus::no_permission);
        }
        return {};
    }
    const auto user = find_user(config.user);
    if (!user) {
        return cannot(user.error() + "; name another by process.user");
    }
    resources.state.give_to(user->uid, user->gid);
    resources.control.give_to(user->uid, user->gid);
    if (auto became = become(*user); !became) {
        return cannot(became.error(), ExitStatus::no_permission);
    }
    spdlog::info("running as {} with CAP_NET_ADMIN alone", user->name);
    return {};
}

}  // namespace farewell::daemon

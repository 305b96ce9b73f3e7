// SPDX-License-Identifier: GPL-2.0-or-later
// A host on which all is well, for tests to break one thing of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "doctor/checks.hpp"

namespace farewell::doctor {

inline DeliverySite queue_rule() {
    return {.delivery = {.is_queue = true, .first = 0, .last = 3},
            .family = "inet",
            .table = "firewall",
            .chain = "input",
            .handle = 9,
            .position = 5,
            .hook = "input",
            .policy = "drop",
            .takes_ipv4 = true,
            .takes_ipv6 = true};
}

inline DeliverySite compat_rule(const std::string& family) {
    DeliverySite site = queue_rule();
    site.family = family;
    site.table = "filter";
    site.chain = "INPUT";
    site.takes_ipv4 = family == "ip";
    site.takes_ipv6 = family == "ip6";
    site.is_compat = true;
    return site;
}

inline Facts healthy() {
    Facts facts;
    facts.is_root = true;
    facts.version = "1.2.3";
    facts.config_file = "/etc/farewell/farewell.toml";
    facts.config.emplace();
    facts.config_files = {{.path = "/etc/farewell/farewell.toml", .modified = "2026-11-25T08:00:00.000Z"}};
    facts.answer = Answer::given;
    DaemonFacts daemon;
    daemon.version = "1.2.3";
    daemon.pid = 812;
    daemon.lanes = {0, 1, 2, 3};
    daemon.config_loaded = "2026-11-25T08:00:01.000Z";
    daemon.config_files = {"/etc/farewell/farewell.toml"};
    daemon.packets = 21;
    daemon.receive_buffer_min = std::size_t{8} << 20U;
    daemon.table = "inet port_scanners_auto_ban";
    daemon.has_history = true;
    daemon.history_bytes_max = std::size_t{64} << 20U;
    facts.daemon = daemon;
    facts.allowed = 1;
    facts.peer = Peer{.address = "192.0.2.50", .protected_by = "logged-in peer"};
    facts.deliveries.emplace().push_back(queue_rule());
    facts.has_ipv6 = true;
    facts.conntrack = Conntrack{.count = 100, .max = 65536};
    facts.is_clock_synchronised = true;
    facts.has_systemd = true;
    facts.unit = {.is_installed = true, .is_enabled = true};
    facts.state = {.is_there = true, .free_bytes = std::uint64_t{1} << 30U};
    return facts;
}

/// What the check of that name says; nullopt: it does not apply.
inline std::optional<Finding> finding(const Facts& facts, std::string_view id) {
    for (Finding& each : judge(facts)) {
        if (each.id == id) {
            return each;
        }
    }
    return std::nullopt;
}

/// Its verdict; nullopt as above.
inline std::optional<Verdict> verdict(const Facts& facts, std::string_view id) {
    const auto found = finding(facts, id);
    return found ? std::optional(found->verdict) : std::nullopt;
}

inline std::string mend(const Facts& facts, std::string_view id) {
    const auto found = finding(facts, id);
    return found ? found->mend : "";
}

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
// Checks of the host around farewell, and of whoever operates it.
#include <fmt/format.h>

#include <array>
#include <string>

#include "config/config.hpp"
#include "doctor/checks.hpp"
#include "doctor/verdicts.hpp"

namespace farewell::doctor {
namespace {

std::optional<Finding> check_peer(const Facts& facts) {
    if (!facts.peer) {
        return std::nullopt;
    }
    if (facts.peer->protected_by.empty()) {
        return warning(
            fmt::format("your SSH peer {} is not protected: a ban would lock you out", facts.peer->address),
            "farewell allow me");
    }
    return well(
        fmt::format("your SSH peer {} is protected ({})", facts.peer->address, facts.peer->protected_by));
}

std::optional<Finding> check_allowlist(const Facts& facts) {
    if (!facts.allowed) {
        return std::nullopt;
    }
    if (*facts.allowed == 0) {
        return warning("nobody is on the allowlist: whom you cannot do without may be banned",
                       facts.peer ? "farewell allow me" : "farewell allow add ADDRESS");
    }
    return well(fmt::format("{} on the allowlist", *facts.allowed == 1
                                                       ? std::string("one network is")
                                                       : fmt::format("{} networks are", *facts.allowed)));
}

std::optional<Finding> check_conntrack(const Facts& facts) {
    if (!facts.config || facts.config->mode == config::Mode::observe) {
        return std::nullopt;
    }
    if (!facts.conntrack) {
        return warning("the kernel tracks no connections: soft bans cannot let those be that stand",
                       "modprobe nf_conntrack");
    }
    constexpr std::uint64_t kNearlyFull = 90;  // percent
    const Conntrack& conntrack = *facts.conntrack;
    if (conntrack.count * 100 >= conntrack.max * kNearlyFull) {
        return warning(
            fmt::format("{} of {} connections tracked: the kernel is about to drop new ones of anybody",
                        conntrack.count, conntrack.max),
            fmt::format("sysctl -w net.netfilter.nf_conntrack_max={}", conntrack.max * 2));
    }
    return well(fmt::format("{} of {} connections tracked", conntrack.count, conntrack.max));
}

std::optional<Finding> check_flush(const Facts& facts) {
    if (facts.flushing_file.empty()) {
        return std::nullopt;
    }
    return note(
        fmt::format("{} begins with `flush ruleset`: farewelld puts its bans back within milliseconds, but "
                    "not while it is stopped",
                    facts.flushing_file));
}

std::optional<Finding> check_other_banners(const Facts& facts) {
    if (facts.other_banners.empty()) {
        return std::nullopt;
    }
    std::string names;
    for (const std::string& name : facts.other_banners) {
        names += (names.empty() ? "" : ", ") + name;
    }
    return note(fmt::format("{} bans here as well: whoever is let in by farewell may still be kept out by it",
                            names));
}

std::optional<Finding> check_docker(const Facts& facts) {
    if (!facts.has_docker) {
        return std::nullopt;
    }
    return note(
        "Docker publishes ports by FORWARD: bans hold there too (prerouting), detection sees INPUT only");
}

std::optional<Finding> check_clock(const Facts& facts) {
    if (!facts.is_clock_synchronised || *facts.is_clock_synchronised) {
        return std::nullopt;
    }
    return note(
        "the clock is not synchronised: bans last as long as they should, but times in the history may be "
        "wrong");
}

constexpr std::array kChecks{
    Check{"ssh-peer", check_peer},
    Check{"allowlist", check_allowlist},
    Check{"conntrack", check_conntrack},
    Check{"flush-ruleset", check_flush},
    Check{"other-banners", check_other_banners},
    Check{"docker", check_docker},
    Check{"clock", check_clock},
};

}  // namespace

std::span<const Check> host_checks() {
    return kChecks;
}

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
// Checks of the rules that hand packets to farewell.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "doctor/checks.hpp"
#include "doctor/mend.hpp"
#include "doctor/verdicts.hpp"

namespace farewell::doctor {
namespace {

using config::CaptureSource;
using config::CaptureVerdict;
using config::Config;

/// Where farewelld listens, or would.
struct Listening {
    bool is_logged = false;
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};

std::optional<Listening> listening_of(const Facts& facts) {
    if (facts.daemon && !facts.daemon->lanes.empty()) {
        const auto [first, last] = std::ranges::minmax(facts.daemon->lanes);
        return Listening{.is_logged = facts.daemon->is_logged, .first = first, .last = last};
    }
    if (!facts.config) {
        return std::nullopt;
    }
    const Config::Capture& capture = facts.config->capture;
    if (capture.source == CaptureSource::nflog) {
        return Listening{.is_logged = true, .first = capture.group, .last = capture.group};
    }
    return Listening{.is_logged = false, .first = capture.first_queue, .last = capture.last_queue};
}

std::string numbers_text(bool is_queue, std::uint16_t first, std::uint16_t last) {
    const char* const what = is_queue ? "queue" : "log group";
    return first == last ? fmt::format("{} {}", what, first) : fmt::format("{} {}-{}", what, first, last);
}
std::string text_of(const Listening& listening) {
    return numbers_text(!listening.is_logged, listening.first, listening.last);
}
std::string text_of(const Delivery& delivery) {
    return numbers_text(delivery.is_queue, delivery.first, delivery.last);
}
std::string place_of(const DeliverySite& site) {
    return fmt::format("{} {} {}", site.family, site.table, site.chain);
}

std::string table_of(const Facts& facts) {
    return facts.config ? facts.config->nft_table : Config().nft_table;
}
/// One of the trap's, which farewelld writes and repairs itself.
bool is_trap(const Facts& facts, const DeliverySite& site) {
    return site.family == "inet" && site.table == table_of(facts);
}
bool is_for_host(const DeliverySite& site) {
    return site.hook == "input" || site.hook == "prerouting";
}

bool overlaps(const Delivery& delivery, const Listening& listening) {
    return delivery.is_queue != listening.is_logged && delivery.is_known &&
           delivery.first <= listening.last && listening.first <= delivery.last;
}
bool is_heard(const Delivery& delivery, const Listening& listening) {
    return overlaps(delivery, listening) && listening.first <= delivery.first &&
           delivery.last <= listening.last;
}

/// The rules that mean us, by those numbers of theirs that we listen to; not the trap's.
std::vector<DeliverySite> ours(const Facts& facts) {
    const auto listening = listening_of(facts);
    std::vector<DeliverySite> sites;
    if (facts.deliveries && listening) {
        std::ranges::copy_if(*facts.deliveries, std::back_inserter(sites), [&](const DeliverySite& site) {
            return !is_trap(facts, site) && overlaps(site.delivery, *listening);
        });
    }
    return sites;
}

struct Coverage {
    bool ipv4 = false;
    bool ipv6 = false;
};

/// Which families some rule hands to us, as far as its numbers can be read.
Coverage coverage_of(const std::vector<DeliverySite>& sites, const Listening& listening) {
    Coverage coverage;
    for (const DeliverySite& site : sites) {
        if (is_for_host(site) && (!site.delivery.is_known || overlaps(site.delivery, listening))) {
            coverage.ipv4 = coverage.ipv4 || site.takes_ipv4;
            coverage.ipv6 = coverage.ipv6 || site.takes_ipv6;
        }
    }
    return coverage;
}

std::string hook_of(const Facts& facts) {
    if (facts.has_ufw) {
        return "farewell ruleset print --hook ufw";
    }
    return facts.has_firewalld ? "farewell ruleset print --hook firewalld"
                               : "farewell ruleset print --hook nftables";
}

std::optional<Finding> check_rule(const Facts& facts) {
    const auto listening = listening_of(facts);
    if (!listening) {
        return std::nullopt;
    }
    if (!facts.deliveries) {
        return facts.is_root ? warning(fmt::format("the kernel's rules cannot be read: {}", facts.no_ruleset),
                                       "nft list ruleset")
                             : skipped("needs root: whether a rule sends packets to " + text_of(*listening),
                                       "sudo farewell doctor");
    }
    const Coverage coverage = coverage_of(*facts.deliveries, *listening);
    if (!coverage.ipv4 && !coverage.ipv6) {
        if (std::ranges::any_of(*facts.deliveries, is_for_host)) {
            return std::nullopt;  // by other numbers: rule-numbers tells
        }
        if (facts.has_legacy4 || facts.has_legacy6) {
            return warning(
                "this host has rules of iptables-legacy, which cannot be read here: whether one "
                "sends packets to " +
                    text_of(*listening),
                listening->is_logged ? "iptables-legacy-save | grep NFLOG"
                                     : "iptables-legacy-save | grep NFQUEUE");
        }
        return failure(
            fmt::format("no rule sends packets to {}: nothing will ever be detected", text_of(*listening)),
            hook_of(facts));
    }
    for (const DeliverySite& site : *facts.deliveries) {
        if (is_trap(facts, site) && is_for_host(site)) {
            return well(fmt::format("the trap sends what closed ports get to {}", text_of(*listening)));
        }
    }
    return well(fmt::format("a rule sends packets to {}", text_of(*listening)));
}

std::optional<Finding> check_family(const Facts& facts) {
    const auto listening = listening_of(facts);
    if (!facts.deliveries || !listening) {
        return std::nullopt;
    }
    const Coverage coverage = coverage_of(*facts.deliveries, *listening);
    if (coverage.ipv4 == coverage.ipv6) {
        return coverage.ipv4 ? well("IPv4 and IPv6 both have a rule") : std::nullopt;
    }
    if (coverage.ipv4 && !facts.has_ipv6) {
        return well("IPv4 has a rule; this host has no IPv6 address that others could scan");
    }
    if (coverage.ipv4 ? facts.has_legacy6 : facts.has_legacy4) {
        return std::nullopt;  // nobody can tell
    }
    const char* const family = coverage.ipv4 ? "IPv6" : "IPv4";
    std::string mend = hook_of(facts);
    for (const DeliverySite& site : *facts.deliveries) {
        if (site.is_compat && site.is_for_all && is_for_host(site) && site.delivery.is_queue) {
            mend = fmt::format("{} -A {} -j NFQUEUE --queue-balance {}:{}",
                               coverage.ipv4 ? "ip6tables-nft" : "iptables-nft", site.chain, listening->first,
                               listening->last);
            break;
        }
    }
    return failure(fmt::format("no rule sends {0} packets to {1}: {0} scanners will never be detected",
                               family, text_of(*listening)),
                   mend);
}

std::optional<Finding> check_numbers(const Facts& facts) {
    const auto listening = listening_of(facts);
    if (!facts.deliveries || !listening) {
        return std::nullopt;
    }
    const auto has_ours = [&](const DeliverySite& site) {
        return overlaps(site.delivery, *listening) && site.is_reachable && is_for_host(site);
    };
    const bool is_ours_somewhere = std::ranges::any_of(*facts.deliveries, has_ours);
    for (const DeliverySite& site : *facts.deliveries) {
        if (is_trap(facts, site) || !is_for_host(site) || is_heard(site.delivery, *listening)) {
            continue;
        }
        // A rule of another program's may well stand beside ours.
        if (is_ours_somewhere && !overlaps(site.delivery, *listening)) {
            continue;
        }
        if (!site.delivery.is_known) {
            return note(fmt::format(
                "the rule of {} sends packets to a program; to which number cannot be read", place_of(site)));
        }
        const std::string keys =
            site.delivery.is_queue
                ? fmt::format("[capture]\nsource = \"nfqueue\"\nqueues = \"{}-{}\"\n", site.delivery.first,
                              site.delivery.last)
                : fmt::format("[capture]\nsource = \"nflog\"\ngroup = {}\n", site.delivery.first);
        return failure(fmt::format("the rule of {} sends packets to {}, and farewelld listens to {}: {}",
                                   place_of(site), text_of(site.delivery), text_of(*listening),
                                   site.delivery.is_queue
                                       ? "the kernel drops, or with bypass accepts, what nobody listens to"
                                       : "they are not seen"),
                       set_keys(facts, "capture-rule", keys, kRestart));
    }
    if (!is_ours_somewhere) {
        return std::nullopt;
    }
    return well(fmt::format("the rules send packets to where farewelld {}: {}",
                            facts.daemon ? "listens" : "would listen", text_of(*listening)));
}

/// The command that writes the rule anew without `bypass`.
std::string without_bypass(const DeliverySite& site) {
    if (!site.is_compat) {
        return fmt::format("nft -a list chain {}  # then: nft replace rule {} handle {} … without bypass",
                           place_of(site), place_of(site), site.handle);
    }
    const char* const tool = site.family == "ip6" ? "ip6tables-nft" : "iptables-nft";
    if (!site.is_for_all || !site.delivery.is_known) {
        return fmt::format("{0} -S {1}  # then: {0} -R {1} {2} … without --queue-bypass", tool, site.chain,
                           site.position);
    }
    return fmt::format("{} -R {} {} -j NFQUEUE {}", tool, site.chain, site.position,
                       site.delivery.first == site.delivery.last
                           ? fmt::format("--queue-num {}", site.delivery.first)
                           : fmt::format("--queue-balance {}:{}", site.delivery.first, site.delivery.last));
}

std::optional<Finding> check_bypass(const Facts& facts) {
    const std::vector<DeliverySite> sites = ours(facts);
    for (const DeliverySite& site : sites) {
        if (site.delivery.has_bypass && site.policy == "drop") {
            return failure(
                fmt::format("the rule of {} has `bypass` in a policy-drop chain: when farewelld is "
                            "away, every closed port is ACCEPTED",
                            place_of(site)),
                without_bypass(site));
        }
    }
    return sites.empty() ? std::nullopt : well("no port opens when farewelld is away");
}

std::optional<Finding> check_verdict(const Facts& facts) {
    if (!facts.config || facts.config->capture.verdict != CaptureVerdict::accept ||
        facts.config->trap.enabled) {
        return std::nullopt;
    }
    for (const DeliverySite& site : ours(facts)) {
        if (site.delivery.is_queue && site.policy == "drop") {
            return failure(
                fmt::format("capture.verdict = \"accept\", and the rule of {} stands in a policy-drop "
                            "chain: every closed port is ACCEPTED",
                            place_of(site)),
                set_keys(facts, "verdict", "[capture]\nverdict = \"drop\"\n", kRestart));
        }
    }
    return std::nullopt;
}

std::optional<Finding> check_reach(const Facts& facts) {
    for (const DeliverySite& site : ours(facts)) {
        if (!site.is_reachable) {
            return failure(fmt::format("rule {} of {} gets no packet: a rule before it decides on every one",
                                       site.position, place_of(site)),
                           fmt::format("nft -a list chain {}", place_of(site)));
        }
    }
    return std::nullopt;
}

std::optional<Finding> check_order(const Facts& facts) {
    for (const DeliverySite& site : ours(facts)) {
        if (is_for_host(site) && site.is_reachable && !site.is_after_established) {
            return warning(
                fmt::format(
                    "rule {} of {} stands before connections are accepted: farewelld gets every packet of "
                    "them, and drops it",
                    site.position, place_of(site)),
                site.is_compat
                    ? fmt::format("{} -I {} 1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
                                  site.family == "ip6" ? "ip6tables-nft" : "iptables-nft", site.chain)
                    : fmt::format("nft insert rule {} ct state established,related accept", place_of(site)));
        }
    }
    return std::nullopt;
}

std::optional<Finding> check_owner(const Facts& facts) {
    if (facts.foreign_owners.empty()) {
        return std::nullopt;
    }
    const auto listening = listening_of(facts);
    const ForeignOwner& owner = facts.foreign_owners.front();
    const std::string who =
        owner.name.empty() ? "another program" : fmt::format("{} (process {})", owner.name, owner.pid);
    return failure(
        fmt::format("{} belongs to {}: farewelld cannot listen to it",
                    numbers_text(!listening || !listening->is_logged, owner.number, owner.number), who),
        owner.pid > 0 ? fmt::format("kill {}", owner.pid)
                      : std::string("cat /proc/net/netfilter/nfnetlink_queue"));
}

std::optional<Finding> check_traffic(const Facts& facts) {
    if (!facts.daemon) {
        return std::nullopt;
    }
    if (facts.daemon->packets == 0) {
        return note("no packet has arrived yet since farewelld was started");
    }
    return well(fmt::format("packets arrive: {} since farewelld was started", facts.daemon->packets));
}

std::optional<Finding> check_forward(const Facts& facts) {
    if (!facts.is_forwarding || !facts.deliveries || (facts.config && !facts.config->trap.forward.empty())) {
        return std::nullopt;
    }
    const bool is_watched = std::ranges::any_of(
        *facts.deliveries, [](const DeliverySite& site) { return site.hook == "forward"; });
    if (is_watched) {
        return well("packets to hosts behind this one are watched as well");
    }
    return note(
        "this host forwards packets: bans hold for the hosts behind it too, detection sees only what is "
        "for this host itself (trap.forward)");
}

constexpr std::array kChecks{
    Check{"rule", check_rule},
    Check{"rule-family", check_family},
    Check{"rule-numbers", check_numbers},
    Check{"rule-bypass", check_bypass},
    Check{"rule-verdict", check_verdict},
    Check{"rule-reach", check_reach},
    Check{"rule-order", check_order},
    Check{"queue-owner", check_owner},
    Check{"traffic", check_traffic},
    Check{"forward", check_forward},
};

}  // namespace

std::span<const Check> rule_checks() {
    return kChecks;
}

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/screens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "cli/document_text.hpp"
#include "cli/event_lines.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPortsShown = 12;

std::uint64_t sum(const json& counts) {
    std::uint64_t total = 0;
    for (const auto& [name, count] : counts.items()) {
        total += count.get<std::uint64_t>();
    }
    return total;
}

/// "3 truncated, 1 not_ip": what is not zero.
std::string kinds(const json& counts) {
    std::string text;
    for (const auto& [name, count] : counts.items()) {
        if (count.get<std::uint64_t>() > 0) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.get<std::uint64_t>(), name);
        }
    }
    return text;
}

std::string source_line(const json& status) {
    const bool logged = status.at("source") == "nflog";
    const json& lanes = status.at(logged ? "groups" : "queues");
    std::uint64_t lost = 0;
    std::uint64_t packets = 0;
    for (const json& lane : lanes) {
        lost += number(lane, "lost_in_socket") + number(lane, "lost_in_queue");
        packets += number(lane, "packets");
    }
    const auto first = number(lanes.front(), "number");
    const auto last = number(lanes.back(), "number");
    return fmt::format("  {}    {}, {} {}   {} packets   {} lost in kernel\n", logged ? "group " : "queues",
                       first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last),
                       lanes.size(), lanes.size() == 1 ? "thread" : "threads", packets, lost);
}

std::string packets_lines(const json& packets) {
    std::string text = fmt::format("  packets   {} probes", number(packets, "probes"));
    const json& disregarded = packets.at("disregarded");
    const json& undecoded = packets.at("undecoded");
    if (sum(disregarded) > 0) {
        text += fmt::format("   disregarded: {}", kinds(disregarded));
    }
    if (sum(undecoded) > 0) {
        text += fmt::format("   not decoded: {}", kinds(undecoded));
    }
    if (number(packets, "probes_lost") > 0) {
        text += fmt::format("   {} probes lost: the engine was behind", number(packets, "probes_lost"));
    }
    return text + "\n";
}

/// "192.0.2.1 2001:db8::1", or how many there are where that would be too long to read.
std::string address_list(const json& addresses) {
    constexpr std::size_t kAddressesShown = 3;
    if (addresses.size() > kAddressesShown) {
        return fmt::format("{}", addresses.size());
    }
    std::string text;
    for (const json& address : addresses) {
        text += (text.empty() ? "" : " ") + address.get<std::string>();
    }
    return text.empty() ? "none" : text;
}

std::string trap_line(const json& trap) {
    const std::string hesitation = trap.at("hesitation");
    return fmt::format("  trap      finds closed ports by itself   {}\n",
                       hesitation == "off" ? "holds nobody"
                                           : fmt::format("holds {}suspects, for {} after each closed port",
                                                         hesitation == "bare" ? "bare stacks and " : "",
                                                         duration(trap.at("hold_seconds"))));
}

std::string host_line(const json& host) {
    return fmt::format(
        "  host      {} own addresses   gateways: {}   resolvers: {}   logged-in peers: {}   {} ports "
        "served\n",
        host.at("own_addresses").size(), address_list(host.at("gateways")),
        address_list(host.at("resolvers")), address_list(host.at("logged_in_peers")),
        number(host, "served_ports"));
}

/// What bans: "10 points within 1d or 5 ports within 2s".
std::string rule_text(const json& rule) {
    const std::string window = duration(rule.at("window_seconds"));
    if (rule.at("name") == "plain") {
        return fmt::format("{} distinct ports within {}", number(rule, "threshold"), window);
    }
    std::string text = fmt::format("{} points within {}", number(rule, "threshold"), window);
    if (number(rule, "burst") > 0) {
        text += fmt::format(" or {} ports within {}", number(rule, "burst"),
                            duration(rule.at("burst_window_seconds")));
    }
    return text;
}

std::string port_list(const json& ports) {
    std::string text;
    const std::size_t count = ports.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (count > kPortsShown && i == kPortsShown - 2) {
            text += fmt::format("    … {} more …\n", count - kPortsShown + 1);
            i = count - 2;
            continue;
        }
        const json& port = ports.at(i);
        text += fmt::format("    {}  {:<10} {}\n", local_time(port.at("seen"), false),
                            port.at("port").get<std::string>(), port.value("kind", ""));
    }
    return text;
}

std::string joined(const json& texts) {
    std::string text;
    for (const json& one : texts) {
        text += (text.empty() ? "" : ", ") + one.get<std::string>();
    }
    return text;
}

/// Why this was enough.
std::string criterion_line(const json& explanation, const json& evidence) {
    const std::string criterion = evidence.at("criterion");
    const std::uint64_t distinct = number(evidence, "distinct");
    const std::string window = duration(explanation.at("window_seconds"));
    if (criterion == "burst") {
        return fmt::format(
            "  {} distinct closed ports within {}: a burst, and {} are enough; it tried these:\n", distinct,
            duration(explanation.at("burst_window_seconds")), number(explanation, "burst"));
    }
    if (criterion == "sweep") {
        return fmt::format("  one port of {} hosts within {}: a sweep\n", distinct, window);
    }
    if (criterion == "ambiguous") {
        return fmt::format("  {} ports at once, each of which might have been something ordinary:\n",
                           distinct);
    }
    if (criterion == "patient") {
        return fmt::format(
            "  {} distinct closed ports within {}: {:g} points, and {} are enough; it tried these:\n",
            distinct, window, evidence.at("points").get<double>(), number(explanation, "threshold"));
    }
    return fmt::format("  {} distinct closed ports within {} were needed; it tried these:\n",
                       number(explanation, "threshold"), window);
}

/// What else the probes show about who sent them.
std::string evidence_lines(const json& evidence) {
    std::string text = fmt::format("  TTL {} at the last probe", number(evidence, "ttl"));
    if (!evidence.at("tools").empty()) {
        text += fmt::format("   looks like {}", joined(evidence.at("tools")));
    }
    text += "\n";
    if (!evidence.at("companions").empty()) {
        text += fmt::format(
            "  in company: {} tried the same ports in the same order at the same time; at most one of"
            " them is real\n",
            joined(evidence.at("companions")));
    }
    if (number(evidence, "sources_at_least") > 1) {
        text += fmt::format("  at least {} of its addresses took part: why this wide\n",
                            number(evidence, "sources_at_least"));
    }
    for (const json& network : evidence.at("wider")) {
        text += fmt::format("  {} has {:g} of {} points, and is not banned\n",
                            network.at("source").get<std::string>(), network.at("points").get<double>(),
                            number(network, "threshold"));
    }
    return text;
}

/// Why it is banned.
std::string evidence_screen(const json& explanation) {
    const json& evidence = explanation.at("evidence");
    return criterion_line(explanation, evidence) + port_list(explanation.at("ports")) +
           evidence_lines(evidence) +
           fmt::format("  could it be forged?  {}\n",
                       evidence.at("could_be_forged") == true
                           ? "no handshake of this address was seen: yes, possible"
                           : "connections of its came and went: no");
}

std::string banned_screen(const json& explanation) {
    const json& ban = explanation.at("ban");
    const std::string address = explanation.at("address");
    const std::string source = ban.at("source");
    std::string text = fmt::format(
        "{}  BANNED{}{} at {} until {} ({} left){}\n", address, ban.at("soft") == true ? " softly" : "",
        source == address ? "" : fmt::format(" as part of {}", source), local_time(ban.at("since"), true),
        local_time(ban.at("until"), true), duration(ban.at("seconds_left")),
        number(ban, "offence") > 1 ? fmt::format(", offence {}", number(ban, "offence")) : "");
    const json& ports = explanation.at("ports");
    if (ban.at("reason") == "by_operator") {
        text += "  banned by hand\n";
    } else if (ports.empty()) {
        text += "  found in the kernel at start; its evidence is not known\n";
    } else if (explanation.value("evidence_from", "") == "history") {
        text += "  found in the kernel at start; this is its evidence from the history:\n" +
                evidence_screen(explanation);
    } else {
        text += evidence_screen(explanation);
    }
    if (ban.at("state") == "enforced") {
        text += ban.at("soft") == true ? "  effect   new connections dropped, those that stand let be"
                                       : "  effect   dropped at prerouting";
        if (ban.contains("packets")) {
            text += fmt::format(", {} packets since", number(ban, "packets"));
        }
        text += "\n";
    } else {
        text += fmt::format("  effect   none yet: {} ({} refusals by the kernel); see farewell status\n",
                            ban.at("state").get<std::string>(), number(ban, "failures"));
    }
    return text + earlier_bans_line(explanation) +
           fmt::format(
               "  undo:  farewell bans remove {}      never again:  allow.networks in the configuration\n",
               source);
}

}  // namespace

std::string status_screen(const json& status) {
    const json& rule = status.at("rule");
    const json& sources = status.at("sources");
    const json& bans = status.at("bans");
    const json& files = status.at("config").at("files");
    std::string text = fmt::format(
        "● farewell {}  {}   up {}   pid {}   config {}\n", status.at("version").get<std::string>(),
        status.at("mode") == "observe" ? "observing, nothing is banned" : "enforcing",
        duration(status.at("uptime_seconds")), number(status, "pid"),
        files.empty() ? "defaults" : files.front().get<std::string>());
    text += source_line(status);
    text += packets_lines(status.at("packets"));
    text +=
        fmt::format("  sources   {} tracked in {}   {} suspects ({} ports or more)\n",
                    number(sources, "tracked"), report::size_to_text(number(sources, "memory_budget_bytes")),
                    number(sources, "suspects"), (number(rule, "threshold") + 1) / 2);
    if (sources.at("degraded") == true) {
        text += fmt::format(
            "            ! a flood takes more memory than detect.memory has: slow scanners may go"
            " unseen ({} forgotten, {} probes not admitted)\n",
            number(sources, "evicted"), number(sources, "not_admitted"));
    }
    text += fmt::format(
        "  bans      {} active   {} decided, {} unbanned since the start   {} for {}\n",
        number(bans, "wanted"), number(bans, "decided"), number(bans, "unbanned"), rule_text(rule),
        rule.at("unproven") == "soft" ? duration(rule.at("soft_ban_duration_seconds")) + ", softly"
                                      : duration(rule.at("ban_duration_seconds")));
    text += host_line(status.at("host"));
    const json& nftables = status.at("nftables");
    if (status.at("mode") != "observe") {
        text += fmt::format(
            "  nftables  {}   {} of {} bans in force   repaired {} times, last change looked at {} ago\n",
            nftables.at("table").get<std::string>(), number(nftables, "enforced"), number(bans, "wanted"),
            number(nftables, "repairs"), duration(nftables.at("verified_seconds_ago")));
    }
    if (status.contains("trap")) {
        text += trap_line(status.at("trap"));
    }
    text += history_line(status.at("history"));
    if (status.at("degraded") == true) {
        text += fmt::format("  ! {}\n", status.value("trouble", ""));
    }
    return text;
}

std::string bans_screen(const json& bans) {
    const json& list = bans.at("bans");
    if (list.empty()) {
        return "no source is banned\n";
    }
    std::string text = fmt::format("{:<40} {:<9} {:<4} {:<12} {:>9} {:>6} {:>10}\n", "SOURCE", "STATE",
                                   "FORM", "REASON", "LEFT", "PORTS", "DROPPED");
    for (const json& ban : list) {
        text += fmt::format("{:<40} {:<9} {:<4} {:<12} {:>9} {:>6} {:>10}\n",
                            ban.at("source").get<std::string>(), ban.at("state").get<std::string>(),
                            ban.at("soft") == true ? "soft" : "full", ban.at("reason").get<std::string>(),
                            duration(ban.at("seconds_left")), ban.at("ports").size(),
                            ban.contains("packets") ? fmt::format("{}", number(ban, "packets")) : "?");
    }
    if (number(bans, "total") > list.size()) {
        text += fmt::format("… and {} more\n", number(bans, "total") - list.size());
    }
    return text;
}

std::string ban_screen(const json& ban) {
    return fmt::format("{}  {} since {} until {} ({} left)   {}\n", ban.at("source").get<std::string>(),
                       ban.at("state").get<std::string>(), local_time(ban.at("since"), true),
                       local_time(ban.at("until"), true), duration(ban.at("seconds_left")),
                       ban.at("reason").get<std::string>());
}

std::string unban_screen(const json& unban) {
    std::string text =
        fmt::format("{} {}\n", unban.at("source").get<std::string>(),
                    unban.at("already") == true ? "was not banned already" : "has been unbanned");
    if (unban.contains("covered_by")) {
        text += fmt::format("  but it is still banned as part of {0}; undo: farewell bans remove {0}\n",
                            unban.at("covered_by").get<std::string>());
    }
    return text;
}

std::string explain_screen(const json& explanation) {
    if (explanation.at("banned") == true) {
        return banned_screen(explanation);
    }
    const std::string address = explanation.at("address");
    if (explanation.at("allowlisted") == true) {
        return fmt::format("{}  never banned: it is on the allowlist (allow.networks)\n", address);
    }
    if (explanation.contains("protected_as")) {
        return fmt::format("{}  never banned: it is this host's {}\n", address,
                           explanation.at("protected_as").get<std::string>());
    }
    const json& ports = explanation.at("ports");
    const std::string window = duration(explanation.at("window_seconds"));
    if (ports.empty()) {
        return fmt::format("{}  not banned, and no probe of it within the last {}\n", address, window) +
               earlier_bans_line(explanation);
    }
    std::string text = fmt::format(
        "{}  not banned: {:g} of {} {} within {}; {:g} more would ban it", address,
        explanation.at("threshold").get<double>() - explanation.at("missing").get<double>(),
        number(explanation, "threshold"), explanation.at("rule") == "plain" ? "distinct ports" : "points",
        window, explanation.at("missing").get<double>());
    if (explanation.at("rule") == "balanced" && number(explanation, "burst") > 0) {
        text += fmt::format(", or {} ports within {}", number(explanation, "burst"),
                            duration(explanation.at("burst_window_seconds")));
    }
    text += "\n";
    text += port_list(ports);
    text += evidence_lines(explanation.at("evidence"));
    return text + earlier_bans_line(explanation);
}

}  // namespace farewell::cli

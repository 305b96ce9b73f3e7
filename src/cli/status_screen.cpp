// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/document_text.hpp"
#include "cli/event_lines.hpp"
#include "cli/screens.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

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
    const json& all = status.at("packets");
    return fmt::format(
        "  {}    {}, {} {}   {:.0f} packets/s now, {} since the start   {} lost in kernel{}\n",
        logged ? "group " : "queues",
        first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last), lanes.size(),
        lanes.size() == 1 ? "thread" : "threads", all.at("per_second").get<double>(), packets, lost,
        all.contains("verdict_p99_seconds") ? "   verdict p99 " + latency(all.at("verdict_p99_seconds"))
                                            : "");
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
    const std::string held =
        hesitation == "off"
            ? "holds nobody"
            : fmt::format("holds {}suspects, for {} after each closed port",
                          hesitation == "bare" ? "bare stacks and " : "", duration(trap.at("hold_seconds")));
    return fmt::format("  trap      finds closed ports by itself   {}\n", held);
}

std::string brake_line(const json& brake) {
    return fmt::format(
        "  brake     the kernel lets nobody in who asks for {} closed ports within {}, for a second\n",
        brake.at("ports").get<unsigned>(), duration(brake.at("window_seconds")));
}

std::string host_line(const json& host) {
    return fmt::format(
        "  host      {} own addresses   gateways: {}   resolvers: {}   logged-in peers: {}   {} ports "
        "served\n",
        host.at("own_addresses").size(), address_list(host.at("gateways")),
        address_list(host.at("resolvers")), address_list(host.at("logged_in_peers")),
        number(host, "served_ports"));
}

/// "/etc/farewell/farewell.toml (2 more files, read 09:14:02.412)"
std::string config_text(const json& config) {
    const json& files = config.at("files");
    const std::string others =
        files.size() > 1 ? fmt::format("{} more {}, ", files.size() - 1, files.size() == 2 ? "file" : "files")
                         : "";
    return fmt::format("{} ({}read {})", files.empty() ? "defaults" : files.front().get<std::string>(),
                       others, local_time(config.at("loaded"), false));
}

std::string bans_line(const json& bans) {
    return fmt::format("  bans      {} active ({} IPv4, {} IPv6)   {} decided in the last hour{}\n",
                       number(bans, "wanted"), number(bans, "ipv4"), number(bans, "ipv6"),
                       number(bans, "decided_last_hour"),
                       bans.contains("next_end_seconds")
                           ? fmt::format("   the next ends in {}", duration(bans.at("next_end_seconds")))
                           : "");
}

/// "repaired twice, 3h ago after nft (process 812)"
std::string repairs_text(const json& nftables) {
    const auto count = number(nftables, "repairs");
    const std::string times = count == 1 ? "once" : count == 2 ? "twice" : fmt::format("{} times", count);
    if (!nftables.contains("last_repair")) {
        return count == 0 ? "never repaired" : "repaired " + times;
    }
    const json& last = nftables.at("last_repair");
    const std::string by = last.at("by");
    return fmt::format("repaired {}, {} ago{}", times, duration(last.at("seconds_ago")),
                       by.empty() ? "" : " after " + by);
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

}  // namespace

std::string status_screen(const json& status, const Paint& paint) {
    const json& rule = status.at("rule");
    const json& sources = status.at("sources");
    const json& bans = status.at("bans");
    const bool is_observing = status.at("mode") == "observe";
    const bool is_degraded = status.at("degraded") == true;
    std::string text = fmt::format(
        "{} farewell {}  {}   up {}   pid {}   config {}\n",
        is_degraded    ? paint.bad("●")
        : is_observing ? paint.warning("●")
                       : paint.good("●"),
        status.at("version").get<std::string>(),
        is_observing ? paint.warning("observing, nothing is banned") : paint.good("enforcing"),
        duration(status.at("uptime_seconds")), number(status, "pid"), config_text(status.at("config")));
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
    text += bans_line(bans);
    text += fmt::format(
        "  rule      {}: banned for {}   {} decided, {} unbanned since the start\n", rule_text(rule),
        rule.at("unproven") == "soft" ? duration(rule.at("soft_ban_duration_seconds")) + ", softly"
                                      : duration(rule.at("ban_duration_seconds")),
        number(bans, "decided"), number(bans, "unbanned"));
    text += host_line(status.at("host"));
    const json& nftables = status.at("nftables");
    if (!is_observing) {
        text += fmt::format("  nftables  {}   {} of {} bans in force, verified {} ago   {}\n",
                            nftables.at("table").get<std::string>(), number(nftables, "enforced"),
                            number(bans, "wanted"), duration(nftables.at("verified_seconds_ago")),
                            repairs_text(nftables));
    }
    if (status.contains("trap")) {
        text += trap_line(status.at("trap"));
    }
    if (status.contains("brake")) {
        text += brake_line(status.at("brake"));
    }
    text += history_line(status.at("history"));
    if (status.contains("trouble")) {
        text += fmt::format("  {} {}\n", paint.bad("!"), status.at("trouble").get<std::string>());
    }
    return text;
}

}  // namespace farewell::cli

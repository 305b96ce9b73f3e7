// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/screens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPortsShown = 12;

std::uint64_t number(const json& object, const char* name) {
    return object.value(name, std::uint64_t{0});
}

/// "11h59m" from a JSON number of seconds; sub-second parts matter only below a second.
std::string duration(double seconds) {
    const auto whole = std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
    return report::to_text(seconds >= 1 ? std::chrono::floor<std::chrono::seconds>(whole) : whole);
}

/// "21:31:02.412" of an RFC 3339 stamp, in local time; the whole stamp with its date if `with_date`.
std::string local_time(const std::string& stamp, bool with_date) {
    std::tm parts{};
    const char* rest = strptime(stamp.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) {
        return stamp;
    }
    std::chrono::system_clock::time_point time = std::chrono::system_clock::from_time_t(timegm(&parts));
    int milliseconds = 0;
    if (*rest == '.') {
        milliseconds = std::atoi(rest + 1);  // NOLINT(cert-err34-c): three digits of our own making
    }
    time += std::chrono::milliseconds(milliseconds);
    const std::string text = report::to_text(time);
    return with_date ? text : text.substr(11);
}

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
        text += fmt::format("    {}  {:<10} {}\n", local_time(port.at("first_seen"), false),
                            port.at("port").get<std::string>(), port.at("kind").get<std::string>());
    }
    return text;
}

std::string last_probe_line(const json& probe) {
    return fmt::format("  last probe   TTL {}   TCP window {}   {} bytes of TCP options\n",
                       number(probe, "ttl"), number(probe, "tcp_window"), number(probe, "tcp_options_bytes"));
}

std::string banned_screen(const json& explanation) {
    const json& ban = explanation.at("ban");
    const std::string address = explanation.at("address");
    std::string text =
        fmt::format("{}  BANNED at {} until {} ({} left)\n", address, local_time(ban.at("since"), true),
                    local_time(ban.at("until"), true), duration(ban.at("seconds_left")));
    const json& ports = explanation.at("ports");
    if (ban.at("reason") == "by_operator") {
        text += "  banned by hand\n";
    } else if (ports.empty()) {
        text += "  found in the kernel at start; its evidence is not known\n";
    } else {
        text += fmt::format("  {} distinct closed ports within {} were needed; it tried these:\n",
                            number(explanation, "threshold"), duration(explanation.at("window_seconds")));
        text += port_list(ports);
    }
    if (ban.at("state") == "enforced") {
        text += "  effect   dropped at prerouting";
        if (ban.contains("packets")) {
            text += fmt::format(", {} packets since", number(ban, "packets"));
        }
        text += "\n";
    } else {
        text += fmt::format("  effect   none yet: {} ({} refusals by the kernel); see farewell status\n",
                            ban.at("state").get<std::string>(), number(ban, "failures"));
    }
    return text +
           fmt::format(
               "  undo:  farewell bans remove {}      never again:  allow.networks in the configuration\n",
               address);
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
        fmt::format("  sources   {} tracked (budget {}, {} used)   {} suspects (half of {} ports or more)\n",
                    number(sources, "tracked"), report::size_to_text(number(sources, "memory_budget_bytes")),
                    report::size_to_text(number(sources, "memory_bytes")), number(sources, "suspects"),
                    number(rule, "threshold"));
    text += fmt::format(
        "  bans      {} active   {} decided, {} unbanned since the start   {} distinct ports within {} ban "
        "for {}\n",
        number(bans, "wanted"), number(bans, "decided"), number(bans, "unbanned"), number(rule, "threshold"),
        duration(rule.at("window_seconds")), duration(rule.at("ban_duration_seconds")));
    const json& nftables = status.at("nftables");
    if (status.at("mode") != "observe") {
        text += fmt::format("  nftables  {}   rebuilt {} times\n", nftables.at("table").get<std::string>(),
                            number(nftables, "repairs"));
    }
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
    std::string text = fmt::format("{:<40} {:<9} {:<12} {:>9} {:>6} {:>10}\n", "SOURCE", "STATE", "REASON",
                                   "LEFT", "PORTS", "DROPPED");
    for (const json& ban : list) {
        text += fmt::format("{:<40} {:<9} {:<12} {:>9} {:>6} {:>10}\n", ban.at("address").get<std::string>(),
                            ban.at("state").get<std::string>(), ban.at("reason").get<std::string>(),
                            duration(ban.at("seconds_left")), ban.at("ports").size(),
                            ban.contains("packets") ? fmt::format("{}", number(ban, "packets")) : "?");
    }
    if (number(bans, "total") > list.size()) {
        text += fmt::format("… and {} more\n", number(bans, "total") - list.size());
    }
    return text;
}

std::string ban_screen(const json& ban) {
    return fmt::format("{}  {} since {} until {} ({} left)   {}\n", ban.at("address").get<std::string>(),
                       ban.at("state").get<std::string>(), local_time(ban.at("since"), true),
                       local_time(ban.at("until"), true), duration(ban.at("seconds_left")),
                       ban.at("reason").get<std::string>());
}

std::string explain_screen(const json& explanation) {
    if (explanation.at("banned") == true) {
        return banned_screen(explanation);
    }
    const std::string address = explanation.at("address");
    if (explanation.at("allowlisted") == true) {
        return fmt::format("{}  never banned: it is on the allowlist (allow.networks)\n", address);
    }
    const json& ports = explanation.at("ports");
    const std::string window = duration(explanation.at("window_seconds"));
    if (ports.empty()) {
        return fmt::format("{}  not banned, and no probe of it within the last {}\n", address, window);
    }
    std::string text =
        fmt::format("{}  not banned: {} of {} distinct ports in the last {}; {} more would ban it\n", address,
                    ports.size(), number(explanation, "threshold"), window, number(explanation, "missing"));
    text += port_list(ports);
    if (explanation.contains("last_probe")) {
        text += last_probe_line(explanation.at("last_probe"));
    }
    return text;
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cli/document_text.hpp"
#include "cli/event_lines.hpp"
#include "cli/screens.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPortsShown = 12;

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
    std::string text = "  ";
    if (evidence.contains("interface")) {
        text += fmt::format("interface {}   ", evidence.at("interface").get<std::string>());
    }
    text += fmt::format("TTL {} at the last probe", number(evidence, "ttl"));
    if (evidence.contains("tcp")) {
        const auto options = number(evidence.at("tcp"), "option_bytes");
        text += fmt::format("   window {}, {}", number(evidence.at("tcp"), "window"),
                            options == 0 ? "no options" : fmt::format("{} bytes of options", options));
    }
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

/// What did not count, summed up by port and rule: "did not count: tcp/80 backscatter (12)".
std::string disregarded_lines(const json& explanation) {
    const json packets = explanation.value("disregarded", json::array());
    std::map<std::pair<std::string, std::string>, std::uint64_t> kinds;
    for (const json& packet : packets) {
        ++kinds[{packet.at("port").get<std::string>(), packet.at("rule").get<std::string>()}];
    }
    if (kinds.empty()) {
        return "";
    }
    std::string text = "  did not count:";
    std::size_t shown = 0;
    for (const auto& [kind, count] : kinds) {
        if (shown++ == kPortsShown) {
            return text + fmt::format(" and {} more\n", kinds.size() - kPortsShown);
        }
        text += fmt::format("{} {} {}{}", shown == 1 ? "" : ",", kind.first, kind.second,
                            count == 1 ? "" : fmt::format(" ({} times)", count));
    }
    return text + "\n";
}

/// ", offence 2 (2h = 2 x 1h)"
std::string offence_text(const json& explanation, const json& ban) {
    const auto offence = number(ban, "offence");
    if (offence <= 1) {
        return "";
    }
    const auto since = seconds_of(ban.at("since"));
    const auto until = seconds_of(ban.at("until"));
    const double first = explanation.value("first_duration_seconds", 0.0);
    const double lasts = since && until ? *until - *since : 0;
    const double times = first > 0 ? lasts / first : 0;
    // Stamps are to the millisecond. Not so where the limits have changed since, or somebody set the end.
    constexpr double kTolerance = 0.01;
    const bool is_multiple = times > 1 + kTolerance && std::abs(times - std::round(times)) < kTolerance;
    return fmt::format(
        ", offence {}{}", offence,
        is_multiple ? fmt::format(" ({} = {:.0f} x {})", duration(std::round(lasts)), times, duration(first))
                    : "");
}

std::string banned_screen(const json& explanation, const Paint& paint) {
    const json& ban = explanation.at("ban");
    const std::string address = explanation.at("address");
    const std::string source = ban.at("source");
    std::string text = fmt::format("{}  {}{} at {} until {} ({} left){}\n", address,
                                   paint.bad(ban.at("soft") == true ? "BANNED softly" : "BANNED"),
                                   source == address ? "" : fmt::format(" as part of {}", source),
                                   local_time(ban.at("since"), true), local_time(ban.at("until"), true),
                                   duration(ban.at("seconds_left")), offence_text(explanation, ban));
    const json& ports = explanation.at("ports");
    if (ban.at("reason") == "by_operator" || ban.at("reason") == "imported") {
        text += fmt::format("  {}{}\n",
                            ban.at("reason") == "imported" ? "out of an imported list" : "banned by hand",
                            ban.contains("note") ? ": " + ban.at("note").get<std::string>() : "");
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
        if (ban.contains("set")) {
            text += fmt::format(", element in {}, {} packets since", ban.at("set").get<std::string>(),
                                number(ban, "packets"));
        }
        text += "\n";
    } else {
        text += fmt::format("  effect   none yet: {} ({} refusals by the kernel); see farewell status\n",
                            ban.at("state").get<std::string>(), number(ban, "failures"));
    }
    return text + disregarded_lines(explanation) + earlier_bans_line(explanation) +
           fmt::format("  undo:  farewell bans remove {}      never again:  farewell allow add {}\n", source,
                       source);
}

}  // namespace

std::string explain_screen(const json& explanation, const Paint& paint) {
    if (explanation.at("banned") == true) {
        return banned_screen(explanation, paint);
    }
    const std::string address = explanation.at("address");
    if (explanation.at("allowlisted") == true) {
        // A reload under way may have one and not yet the other.
        const std::string entry =
            explanation.contains("allowed_by")
                ? fmt::format("{} is on the allowlist, {}",
                              explanation.at("allowed_by").at("network").get<std::string>(),
                              allow_entry_text(explanation.at("allowed_by")))
                : "it is on the allowlist";
        return fmt::format("{}  {}: {}\n", address, paint.good("never banned"), entry);
    }
    if (explanation.contains("protected_as")) {
        return fmt::format("{}  {}: it is this host's {}\n", address, paint.good("never banned"),
                           explanation.at("protected_as").get<std::string>());
    }
    const json& ports = explanation.at("ports");
    const std::string window = duration(explanation.at("window_seconds"));
    if (ports.empty()) {
        return fmt::format("{}  {}, and no probe of it within the last {}\n", address,
                           paint.good("not banned"), window) +
               disregarded_lines(explanation) + earlier_bans_line(explanation);
    }
    std::string text = fmt::format(
        "{}  {}: {:g} of {} {} within {}; {:g} more would ban it", address, paint.good("not banned"),
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
    return text + disregarded_lines(explanation) + earlier_bans_line(explanation);
}

}  // namespace farewell::cli

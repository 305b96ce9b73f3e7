// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/event_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/document_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPortsShown = 8;

/// "10 distinct closed ports: tcp/21 tcp/22 …"
std::string ports_text(const json& event) {
    const json& ports = event.at("ports");
    const json& evidence = event.at("evidence");
    const bool is_sweep = evidence.value("criterion", "") == "sweep";
    std::string text =
        fmt::format("{} {}:", number(evidence, "distinct"), is_sweep ? "hosts" : "distinct closed ports");
    for (std::size_t i = 0; i < std::min(ports.size(), kPortsShown); ++i) {
        text += " " + ports[i].value("port", "?");
    }
    return text + (ports.size() > kPortsShown ? " …" : "");
}

std::string ban_text(const json& event) {
    std::string text = fmt::format("{}until {}", event.value("soft", false) ? "softly " : "",
                                   local_time(event.value("until", "?"), true));
    if (event.value("reason", "") == "by_operator") {
        return text + "   by hand" +
               (event.contains("note") ? ": " + event.at("note").get<std::string>() : "");
    }
    if (event.contains("ports") && !event.at("ports").empty() && event.contains("evidence")) {
        text += "   " + ports_text(event);
    }
    return text;
}

std::string repair_text(const json& event) {
    const std::string by = event.contains("by") ? " by " + event.at("by").get<std::string>() : "";
    const std::uint64_t bans = number(event, "bans");
    return event.value("rebuilt", false)
               ? fmt::format("the table was removed or changed{}: rebuilt with {} {}", by, bans,
                             bans == 1 ? "ban" : "bans")
               : fmt::format("{} {} taken out or altered{}: back in force", bans,
                             bans == 1 ? "ban was" : "bans were", by);
}

}  // namespace

std::string event_line(const json& event) {
    const std::string kind = event.at("event");
    const std::string at = local_time(event.at("at"), true);
    const std::string source = event.value("source", "");
    const bool observed = event.value("observed", false);
    if (kind == "ban") {
        return fmt::format("{}  {:<9} {}   {}\n", at, observed ? "would ban" : "ban", source,
                           ban_text(event));
    }
    if (kind == "unban") {
        return fmt::format("{}  {:<9} {}   {}\n", at, observed ? "would end" : "unban", source,
                           event.value("reason", ""));
    }
    if (kind == "left_out") {
        return event.value("reason", "") == "behind"
                   ? fmt::format("{}  {:<9} {} events: this came after them too slowly\n", at, "left out",
                                 number(event, "count"))
                   : fmt::format("… older ones than these: --max\n");
    }
    const bool is_of_budget = kind == "budget_spent" || kind == "bans_resumed";
    return fmt::format("{}  {:<9} {}\n", at,
                       is_of_budget         ? "budget"
                       : kind == "imported" ? "import"
                                            : kind,
                       remark_text(event));
}

std::string remark_text(const json& event) {
    const std::string kind = event.value("event", "");
    if (kind == "imported") {
        return fmt::format("{} bans out of a list", number(event, "bans"));
    }
    if (kind == "repair") {
        return repair_text(event);
    }
    if (kind == "budget_spent") {
        return fmt::format("more than {} sources deserved a ban within a minute: new ones are not banned",
                           number(event, "bans_per_minute"));
    }
    if (kind == "bans_resumed") {
        return fmt::format("bans resume; {} were withheld", number(event, "withheld"));
    }
    return "";
}

std::string event_lines(const json& events) {
    const json& list = events.at("events");
    if (list.empty()) {
        return "no such event\n";
    }
    std::string text;
    if (events.value("more", false)) {
        text += fmt::format("… older ones than these {}: --max\n", list.size());
    }
    for (const json& event : list) {
        text += event_line(event);
    }
    return text;
}

std::string earlier_bans_line(const json& explanation) {
    const json history = explanation.value("history", json::object());
    const std::uint64_t count = number(history, "earlier_bans");
    if (count == 0 || !history.contains("last")) {
        return "";
    }
    const json& last = history.at("last");
    const std::string source = last.value("source", "");
    return fmt::format("  banned {} before, last at {}{} {}\n",
                       count == 1   ? "once"
                       : count == 2 ? "twice"
                                    : fmt::format("{} times", count),
                       local_time(last.at("at"), true),
                       source == explanation.value("address", "") ? "" : " as part of " + source,
                       ban_text(last));
}

std::string history_line(const json& history) {
    if (!history.value("enabled", false)) {
        return "  history   off (history.enabled)\n";
    }
    std::string text = fmt::format(
        "  history   {} {}   {} of {}   {} dropped\n", number(history, "events"),
        number(history, "events") == 1 ? "event" : "events", report::size_to_text(number(history, "bytes")),
        report::size_to_text(number(history, "bytes_max")), number(history, "dropped"));
    if (history.value("in_memory_only", false)) {
        text += fmt::format("            ! in memory only, the latest events: {}\n",
                            history.value("trouble", ""));
    }
    return text;
}

}  // namespace farewell::cli

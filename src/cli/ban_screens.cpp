// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/document_text.hpp"
#include "cli/screens.hpp"

namespace farewell::cli {

using nlohmann::json;

std::string bans_screen(const json& bans, const Paint& paint) {
    const json& list = bans.at("bans");
    if (list.empty()) {
        return "no source is banned\n";
    }
    std::string text = paint.strong(fmt::format("{:<40} {:<9} {:<4} {:<12} {:>9} {:>6} {:>10}", "SOURCE",
                                                "STATE", "FORM", "REASON", "LEFT", "PORTS", "DROPPED")) +
                       "\n";
    for (const json& ban : list) {
        const std::string state = fmt::format("{:<9}", ban.at("state").get<std::string>());
        text +=
            fmt::format("{:<40} {} {:<4} {:<12} {:>9} {:>6} {:>10}\n", ban.at("source").get<std::string>(),
                        ban.at("state") == "enforced" ? state : paint.warning(state),
                        ban.at("soft") == true ? "soft" : "full", ban.at("reason").get<std::string>(),
                        duration(ban.at("seconds_left")), ban.at("ports").size(),
                        ban.contains("packets") ? fmt::format("{}", number(ban, "packets")) : "?");
    }
    if (number(bans, "total") > list.size()) {
        text += fmt::format("… and {} more\n", number(bans, "total") - list.size());
    }
    return text;
}

std::string ban_screen(const json& ban, const Paint& paint) {
    return fmt::format("{}  {} since {} until {} ({} left)   {}\n",
                       paint.strong(ban.at("source").get<std::string>()), ban.at("state").get<std::string>(),
                       local_time(ban.at("since"), true), local_time(ban.at("until"), true),
                       duration(ban.at("seconds_left")), ban.at("reason").get<std::string>());
}

std::string unban_screen(const json& unban, const Paint& paint) {
    std::string text =
        fmt::format("{} {}\n", paint.strong(unban.at("source").get<std::string>()),
                    unban.at("already") == true ? "was not banned already" : "has been unbanned");
    if (unban.contains("covered_by")) {
        text += fmt::format("  but it is still banned as part of {0}; undo: farewell bans remove {0}\n",
                            unban.at("covered_by").get<std::string>());
    }
    return text;
}

}  // namespace farewell::cli

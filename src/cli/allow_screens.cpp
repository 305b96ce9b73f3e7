// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/document_text.hpp"
#include "cli/screens.hpp"

namespace farewell::cli {

using nlohmann::json;

std::string allow_entry_text(const json& entry) {
    if (entry.at("from") == "configuration") {
        return "allow.networks in the configuration";
    }
    return fmt::format("by hand, {}{}", local_time(entry.at("since"), true),
                       entry.contains("note") ? ": " + entry.at("note").get<std::string>() : "");
}

std::string allowlist_screen(const json& allowlist, const Paint& paint) {
    std::string text;
    const auto line = [&](const json& who, const std::string& why) {
        text += fmt::format("{:<40} {}\n", who.get<std::string>(), why);
    };
    for (const json& entry : allowlist.at("networks")) {
        line(entry.at("network"), allow_entry_text(entry));
    }
    for (const json& address : allowlist.at("protected")) {
        line(address.at("address"), "this host's " + address.at("as").get<std::string>());
    }
    if (text.empty()) {
        return "nobody is on the allowlist\n";
    }
    return paint.strong(fmt::format("{:<40} {}", "NEVER BANNED", "WHY")) + "\n" + text;
}

std::string allowed_screen(const json& answer, const Paint& paint) {
    const std::uint64_t lifted = number(answer, "bans_lifted");
    return fmt::format(
        "{} {}{}\n", paint.strong(answer.at("source").get<std::string>()),
        answer.at("already") == true ? "was on the allowlist already" : "is never banned from now on",
        lifted == 0   ? ""
        : lifted == 1 ? "; its ban is lifted"
                      : fmt::format("; {} bans are lifted", lifted));
}

std::string disallowed_screen(const json& answer, const Paint& paint) {
    std::string text = fmt::format(
        "{} {}\n", paint.strong(answer.at("source").get<std::string>()),
        answer.at("already") == true ? "was not on the allowlist already" : "is off the allowlist");
    if (answer.contains("covered_by")) {
        text += fmt::format("  but {} is still on it\n", answer.at("covered_by").get<std::string>());
    }
    return text;
}

}  // namespace farewell::cli

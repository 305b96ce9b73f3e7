// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "report/printable.hpp"
#include "report/quantity_text.hpp"

namespace farewell::page {
namespace {

void replace_all(std::string& text, char wanted, std::string_view by) {
    for (std::size_t at = text.find(wanted); at != std::string::npos;
         at = text.find(wanted, at + by.size())) {
        text.replace(at, 1, by);
    }
}

}  // namespace

std::string escaped(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    for (const char byte : report::printable(text)) {
        switch (byte) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            case '\'':
                safe += "&#39;";
                break;
            default:
                safe += byte;
        }
    }
    return safe;
}

std::string json_for_html(const nlohmann::json& document) {
    // These three stand only within strings of a JSON text, where an escape means the same.
    std::string text = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    replace_all(text, '<', "\\u003c");
    replace_all(text, '>', "\\u003e");
    replace_all(text, '&', "\\u0026");
    return text;
}

std::string grouped(std::uint64_t number) {
    std::string digits = fmt::format("{}", number);
    for (std::size_t from_end = 3; from_end < digits.size(); from_end += 6) {  // a space is three bytes long
        digits.insert(digits.size() - from_end, "\xe2\x80\xaf");
    }
    return digits;
}

std::string stamp(WallTime time, std::chrono::minutes utc_offset) {
    const std::string shifted = machine_stamp(time + utc_offset);
    return shifted.substr(0, 10) + " " + shifted.substr(11, 12);
}

std::string machine_stamp(WallTime time) {
    return report::to_rfc3339(std::chrono::system_clock::time_point(time.time_since_epoch()));
}

std::optional<WallTime> parse_stamp(const std::string& text) {
    std::tm parts{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) {
        return std::nullopt;
    }
    WallTime time{std::chrono::seconds(timegm(&parts))};
    if (*rest == '.') {
        int milliseconds = 0;
        const char* const end = text.c_str() + text.size();
        const auto [after, error] = std::from_chars(rest + 1, end, milliseconds);
        if (error != std::errc() || after != rest + 4) {
            return std::nullopt;
        }
        time += std::chrono::milliseconds(milliseconds);
        rest = after;
    }
    return std::string_view(rest) == "Z" ? std::optional(time) : std::nullopt;
}

std::string zone_text(std::chrono::minutes utc_offset) {
    const auto minutes = utc_offset.count();
    if (minutes == 0) {
        return "UTC";
    }
    return fmt::format("UTC{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                       std::abs(minutes) % 60);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", grouped(count), count == 1 ? one : many);
}

}  // namespace farewell::page

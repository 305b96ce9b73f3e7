// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/document_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "report/printable.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {

using nlohmann::json;

namespace {

std::chrono::nanoseconds nanoseconds_of(double seconds) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

}  // namespace

json for_screen(json document) {
    if (document.is_string()) {
        return report::printable(document.get_ref<const std::string&>());
    }
    if (document.is_structured()) {
        for (json& part : document) {
            part = for_screen(std::move(part));
        }
    }
    return document;
}

std::string json_line(const json& document) {
    const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
    std::string line;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view before = rest;
        const auto character = report::take_character(rest);
        if (character && !report::is_printable(*character)) {  // within a text: elsewhere is none
            line += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(*character));
        } else {
            line += before.substr(0, before.size() - rest.size());
        }
    }
    return line + "\n";
}

std::uint64_t number(const json& object, const char* name) {
    return object.value(name, std::uint64_t{0});
}

std::string duration(double seconds) {
    const auto whole = nanoseconds_of(seconds);
    return report::to_text(seconds >= 1 ? std::chrono::floor<std::chrono::seconds>(whole) : whole);
}

std::string latency(double seconds) {
    return report::latency_to_text(nanoseconds_of(seconds));
}

std::optional<double> seconds_of(const std::string& stamp) {
    std::tm parts{};
    const char* rest = strptime(stamp.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) {
        return std::nullopt;
    }
    int milliseconds = 0;
    if (*rest == '.') {
        milliseconds = std::atoi(rest + 1);  // NOLINT(cert-err34-c): three digits of our own making
    }
    return static_cast<double>(timegm(&parts)) + milliseconds / 1000.0;
}

std::string local_time(const std::string& stamp, bool with_date) {
    const auto seconds = seconds_of(stamp);
    if (!seconds) {
        return stamp;
    }
    const std::chrono::milliseconds since(std::llround(*seconds * 1000));
    const std::string text = report::to_text(std::chrono::system_clock::time_point(since));
    return with_date ? text : text.substr(11);
}

}  // namespace farewell::cli

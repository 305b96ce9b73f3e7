// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/document_text.hpp"
#include "cli/screens.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPortsShown = 6;

std::string joined(const json& texts, std::string_view between, std::size_t most) {
    std::string text;
    for (std::size_t i = 0; i < std::min(texts.size(), most); ++i) {
        text += fmt::format("{}{}", i == 0 ? "" : between, texts[i].get<std::string>());
    }
    return text + (texts.size() > most ? " …" : "");
}

/// "3m" since a stamp.
std::string ago(const std::string& stamp) {
    const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
    return duration(std::max(0.0, std::floor(now.count() - seconds_of(stamp).value_or(now.count()))));
}

}  // namespace

std::string sources_screen(const json& document, const Paint& paint) {
    const json& sources = document.at("sources");
    if (sources.empty()) {
        return "nobody has tried a closed port\n";
    }
    std::string text = paint.strong(fmt::format("{:<40} {:>9} {:>6} {:>8} {:<12} {:<7} {}", "SOURCE",
                                                "POINTS", "PORTS", "SEEN", "TOOL", "FORGED?", "TRIED")) +
                       "\n";
    for (const json& source : sources) {
        const bool is_sweep = source.value("counted", "") == "hosts";
        const std::string points =
            fmt::format("{:g}/{}", source.at("points").get<double>(), number(source, "threshold"));
        const double share = source.at("share");
        const std::string column = fmt::format("{:>9}", points);
        text += fmt::format("{:<40} {} {:>6} {:>8} {:<12} {:<7} {}\n", source.at("source").get<std::string>(),
                            share >= 0.75  ? paint.bad(column)
                            : share >= 0.5 ? paint.warning(column)
                                           : column,
                            is_sweep ? "sweep" : fmt::format("{}", number(source, "distinct")),
                            ago(source.at("seen")), joined(source.at("tools"), ",", 2),
                            source.at("could_be_forged") == true ? "maybe" : "no",
                            is_sweep ? fmt::format("one port of {} hosts", number(source, "distinct"))
                                     : joined(source.at("ports"), " ", kPortsShown));
    }
    if (number(document, "tracked") > sources.size()) {
        text += fmt::format("… of {} tracked: --max\n", number(document, "tracked"));
    }
    return text;
}

}  // namespace farewell::cli

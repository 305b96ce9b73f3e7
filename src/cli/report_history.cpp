// SPDX-License-Identifier: GPL-2.0-or-later

#include <nlohmann/json.hpp>

#include "cli/event_lines.hpp"
#include "cli/report_sources.hpp"
#include "page/history_collector.hpp"
#include "page/text.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
namespace method = report::control::method;

constexpr std::size_t kEventsAtOnce = 2000;  // some MiB of JSON
constexpr std::size_t kEventsMax = 200'000;

}  // namespace

std::expected<void, CallFailure> tell_history(const ControlClient& daemon, const std::string& since,
                                              std::chrono::nanoseconds length, page::Document& document) {
    page::HistoryCollector collector(document.made - std::chrono::floor<std::chrono::microseconds>(length),
                                     document.made);
    const auto bans = daemon.call(method::kListBans, json::object());
    if (!bans) {
        return std::unexpected(bans.error());
    }
    for (const json& ban : bans->value("bans", json::array())) {
        collector.on_ban_in_force(ban);
    }
    json parameters{{"max", kEventsAtOnce}, {"since", since}};
    for (std::size_t told = 0; true;) {
        const auto answer = daemon.call(method::kListEvents, parameters);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        const json events = answer->value("events", json::array());
        for (auto event = events.rbegin(); event != events.rend(); ++event) {
            collector.on_event(*event);
            if (const std::string text = remark_text(*event); !text.empty()) {
                collector.on_remark(*event, text);
            }
        }
        told += events.size();
        // An event without an id is in memory only, and nothing older can be had.
        if (!answer->value("more", false) || events.empty() || !events.front().contains("id")) {
            break;
        }
        if (told >= kEventsMax) {
            collector.on_cut(told);
            break;
        }
        parameters["before"] = events.front().at("id");
    }
    collector.finish(document);
    return {};
}

}  // namespace farewell::cli

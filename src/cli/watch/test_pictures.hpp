// SPDX-License-Identifier: GPL-2.0-or-later
// Pictures for tests, as the daemon sends them.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace farewell::cli::watch::test {

/// 2026-01-01 at midnight and so many seconds.
inline std::string stamp(int seconds) {
    return fmt::format("2026-01-01T00:{:02}:{:02}.000Z", seconds / 60, seconds % 60);
}

inline nlohmann::json probe(const std::string& source, const std::string& port, int seconds) {
    return {{"at", stamp(seconds)}, {"source", source}, {"port", port}};
}

inline nlohmann::json nearest(const std::string& source, double points, int seconds) {
    return {{"source", source},       {"share", points / 10}, {"points", points},
            {"threshold", 10},        {"distinct", 3},        {"ports", {"tcp/22"}},
            {"seen", stamp(seconds)}, {"tools", {"nmap"}},    {"could_be_forged", true}};
}

inline nlohmann::json ban(const std::string& source, int since) {
    return {{"source", source},
            {"soft", true},
            {"since", stamp(since)},
            {"seconds_left", 3599},
            {"reason", "port_scan"}};
}

inline nlohmann::json picture(int seconds, nlohmann::json probes = nlohmann::json::array(),
                              nlohmann::json sources = nlohmann::json::array(),
                              nlohmann::json bans = nlohmann::json::array(),
                              nlohmann::json changes = nlohmann::json::array()) {
    const std::size_t total = bans.size();
    return {{"schema", "farewell/watch/v1"},
            {"at", stamp(seconds)},
            {"version", "1.2.3"},
            {"mode", "enforce"},
            {"uptime_seconds", 90},
            {"missed", 0},
            {"packets", {{"per_second", 21.0}, {"lost", 0}}},
            {"probes", {{"per_second", 8.0}, {"left_out", 0}, {"shown", std::move(probes)}}},
            {"sources", {{"tracked", 5}, {"nearest", std::move(sources)}}},
            {"bans", {{"total", total}, {"decided", 7}, {"shown", std::move(bans)}}},
            {"changes", {{"left_out", 0}, {"shown", std::move(changes)}}}};
}

}  // namespace farewell::cli::watch::test

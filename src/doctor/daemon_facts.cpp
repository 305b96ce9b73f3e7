// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/daemon_facts.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

namespace farewell::doctor {
namespace {

using nlohmann::json;

std::uint64_t number(const json& object, const char* name) {
    return object.value(name, std::uint64_t{0});
}

void read_lanes(DaemonFacts& facts, const json& lanes) {
    facts.receive_buffer_min = lanes.empty() ? 0 : std::numeric_limits<std::size_t>::max();
    for (const json& lane : lanes) {
        facts.lanes.push_back(lane.at("number").get<std::uint16_t>());
        facts.lost += number(lane, "lost_in_socket") + number(lane, "lost_in_queue");
        facts.receive_buffer_min =
            std::min<std::size_t>(facts.receive_buffer_min, number(lane, "receive_buffer_bytes"));
    }
}

/// The value of `--name value` or `--name=value` at `i`, which then stands on the last word of it.
std::optional<std::string> value_of(std::span<const std::string> arguments, std::size_t& i,
                                    std::string_view name) {
    const std::string_view word = arguments[i];
    if (word == name && i + 1 < arguments.size()) {
        return arguments[++i];
    }
    if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) {
        return std::string(word.substr(name.size() + 1));
    }
    return std::nullopt;
}

}  // namespace

DaemonFacts daemon_facts(const json& status) {
    const json& bans = status.at("bans");
    const json& nftables = status.at("nftables");
    const json& history = status.at("history");
    DaemonFacts facts;
    facts.version = status.at("version");
    facts.pid = status.at("pid");
    facts.is_observing = status.at("mode") == "observe";
    facts.is_logged = status.at("source") == "nflog";
    facts.config_loaded = status.at("config").at("loaded");
    facts.config_files = status.at("config").at("files").get<std::vector<std::string>>();
    facts.packets = number(status.at("packets"), "received");
    facts.lost = number(status.at("packets"), "probes_lost");
    read_lanes(facts, status.at(facts.is_logged ? "groups" : "queues"));
    facts.table = nftables.at("table");
    facts.has_trap = status.contains("trap");
    facts.is_memory_short = status.at("sources").at("degraded");
    facts.is_budget_spent = bans.value("budget_spent", false);
    facts.is_kernel_refusing = nftables.value("refusing", false);
    facts.trouble = status.value("trouble", "");
    facts.bans_wanted = number(bans, "wanted");
    facts.bans_enforced = number(nftables, "enforced");
    facts.bans_refused = number(bans, "refused");
    facts.has_history = history.at("enabled");
    facts.history_trouble = history.value("trouble", "");
    facts.history_bytes = number(history, "bytes");
    facts.history_bytes_max = number(history, "bytes_max");
    if (status.contains("metrics_file")) {
        facts.metrics_trouble = status.at("metrics_file").at("trouble");
    }
    return facts;
}

std::string protection_of(const json& explanation) {
    if (explanation.value("allowlisted", false)) {
        return "the allowlist";
    }
    return explanation.value("protected_as", "");
}

config::ConfigSources sources_of(std::span<const std::string> arguments) {
    config::ConfigSources sources;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (auto file = value_of(arguments, i, "--config")) {
            sources.file = *file;
        } else if (auto assignment = value_of(arguments, i, "--set")) {
            sources.overrides.push_back(*assignment);
        } else if (arguments[i] == "--observe") {
            sources.overrides.emplace_back("mode=observe");
        }
    }
    return sources;
}

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/watch_document.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/clock.hpp"
#include "daemon/source_documents.hpp"
#include "report/address_text.hpp"
#include "report/version.hpp"

namespace farewell::daemon {
namespace {

using nlohmann::json;

json probes_part(const WatchTap::Taken& taken, const WatchFrame& frame, const core::Counters& counters) {
    json shown = json::array();
    for (const WatchTap::SeenProbe& probe : taken.probes) {
        shown.push_back({{"at", timestamp(probe.at)},
                         {"source", report::to_text(probe.source)},
                         {"port", report::to_text(probe.port)}});
    }
    return {{"judged", counters.probes},
            {"per_second", frame.probes_per_second},
            {"left_out", taken.probes_seen - taken.probes.size()},
            {"shown", std::move(shown)}};
}

json bans_part(const WatchFacts& facts) {
    json shown = json::array();
    for (const core::BanRecord& record : facts.some_bans) {
        shown.push_back({{"source", report::to_text(record.ban.source)},
                         {"prefix_length", record.ban.source.length},
                         {"state", core::name_of(record.state)},
                         {"reason", core::name_of(record.ban.reason)},
                         {"soft", record.ban.soft},
                         {"since", timestamp(record.since)},
                         {"until", timestamp(record.ban.until)},
                         {"seconds_left", std::max(0.0, seconds(record.ban.until - facts.now))}});
    }
    return {{"total", facts.bans},
            {"decided", facts.counters.bans_decided},
            {"withheld", facts.counters.bans_withheld},
            {"shown", std::move(shown)}};
}

json changes_part(const WatchTap::Taken& taken) {
    json shown = json::array();
    for (const WatchTap::Change& change : taken.changes) {
        shown.push_back({{"event", change.is_ban ? "ban" : "unban"},
                         {"at", timestamp(change.at)},
                         {"source", report::to_text(change.source)},
                         {"prefix_length", change.source.length},
                         {"reason", change.reason}});
        if (change.is_ban) {
            shown.back()["soft"] = change.soft;
        }
    }
    return {{"left_out", taken.changes_seen - taken.changes.size()}, {"shown", std::move(shown)}};
}

}  // namespace

PacketFacts packet_facts(const std::vector<source::LaneStatus>& lanes) {
    PacketFacts facts;
    for (const source::LaneStatus& lane : lanes) {
        facts.received += lane.packets;
        facts.lost += lane.lost_in_socket + lane.lost_in_queue.value_or(0);
    }
    return facts;
}

json watch_document(const WatchFrame& frame, const WatchFacts& facts) {
    json nearest = json::array();
    for (const core::SourceStanding& standing : facts.nearest) {
        nearest.push_back(source_part(standing, facts.rule));
    }
    json document{{"schema", "farewell/watch/v1"},
                  {"at", timestamp(facts.now)},
                  {"version", report::kVersion},
                  {"mode", frame.observing ? "observe" : "enforce"},
                  {"uptime_seconds", seconds(facts.now - frame.started)},
                  {"interval_seconds", seconds(frame.interval)},
                  {"packets",
                   {{"received", frame.packets.received},
                    {"per_second", frame.packets_per_second},
                    {"lost", frame.packets.lost}}},
                  {"probes", probes_part(facts.taken, frame, facts.counters)},
                  {"sources", {{"tracked", facts.tracked}, {"nearest", std::move(nearest)}}},
                  {"bans", bans_part(facts)},
                  {"changes", changes_part(facts.taken)}};
    if (!facts.trouble.empty()) {
        document["trouble"] = facts.trouble;
    }
    return document;
}

}  // namespace farewell::daemon

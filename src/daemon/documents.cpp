// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/documents.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "daemon/clock.hpp"
#include "daemon/history_documents.hpp"
#include "nft/banned_set.hpp"
#include "report/address_text.hpp"
#include "report/evidence_json.hpp"

namespace farewell::daemon {
namespace {

using nlohmann::json;

json by_name(const auto& counts, auto name_of_index) {
    json object = json::object();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        object[std::string(name_of_index(i))] = counts[i];
    }
    return object;
}

/// Those by rule that were not remembered.
json disregarded_counts(const source::PacketCounts& counts) {
    json object = json::object();
    for (std::size_t i = core::kCountedRules; i < core::kRules; ++i) {
        object[std::string(core::name_of(static_cast<core::Rule>(i)))] = counts.rules[i];
    }
    return object;
}

json packets_part(const source::PacketCounts& counts, double per_second) {
    return {
        {"received", counts.packets},
        {"per_second", per_second},
        {"probes", counts.probes},
        {"probes_lost", counts.probes_lost},
        {"undecoded",
         by_name(counts.undecoded,
                 [](std::size_t i) { return core::name_of(static_cast<core::DecodeError>(i)); })},
        {"rules",
         by_name(counts.rules, [](std::size_t i) { return core::name_of(static_cast<core::Rule>(i)); })},
        {"disregarded", disregarded_counts(counts)},
    };
}

json lane_part(const source::LaneStatus& lane) {
    json part{
        {"number", lane.number},
        {"packets", lane.packets},
        {"lost_in_socket", lane.lost_in_socket},
        {"receive_buffer_bytes", lane.receive_buffer_bytes},
    };
    if (lane.lost_in_queue) {
        part["lost_in_queue"] = *lane.lost_in_queue;
    }
    if (lane.waiting) {
        part["waiting"] = *lane.waiting;
    }
    return part;
}

json engine_part(const core::Engine& engine, core::Time now) {
    const core::Counters counters = engine.counters();
    json part{
        {"sources",
         {{"tracked", engine.sources_tracked()},
          {"suspects", engine.suspects(now)},
          {"offenders", engine.offenders()},
          {"evicted", counters.sources_evicted},
          {"not_admitted", counters.sources_not_admitted},
          {"decoys_recognised", counters.decoys_recognised},
          {"degraded", engine.is_degraded(now)},
          {"memory_bytes", engine.memory_used()},
          {"memory_budget_bytes", engine.limits().memory_bytes}}},
        {"probes",
         {{"judged", counters.probes},
          {"repeated", counters.probes_repeated},
          {"allowlisted", counters.probes_allowlisted},
          {"protected", counters.probes_protected},
          {"of_banned", counters.probes_of_banned}}},
        {"bans",
         {{"wanted", engine.bans_wanted()},
          {"ipv4", engine.bans_wanted(core::Family::ipv4)},
          {"ipv6", engine.bans_wanted(core::Family::ipv6)},
          {"decided_last_hour", engine.bans_of_last_hour(now)},
          {"decided", counters.bans_decided},
          {"soft", counters.bans_soft},
          {"of_networks", counters.bans_of_networks},
          {"enforced", counters.bans_enforced},
          {"failed", counters.bans_failed},
          {"refused", counters.bans_refused},
          {"withheld", counters.bans_withheld},
          {"budget_spent", engine.is_over_budget(now)},
          {"unbanned", counters.unbans}}},
        {"rule",
         {{"name", core::name_of(engine.limits().rule)},
          {"burst", engine.limits().burst},
          {"burst_window_seconds", seconds(engine.limits().burst_window)},
          {"threshold", engine.limits().threshold},
          {"window_seconds", seconds(engine.limits().window)},
          {"ban_duration_seconds", seconds(engine.limits().ban_duration)},
          {"soft_ban_duration_seconds", seconds(engine.limits().soft_ban_duration)},
          {"unproven", core::name_of(engine.limits().unproven)},
          {"repeat_factor", engine.limits().repeat_factor}}},
    };
    if (const auto end = engine.next_end()) {
        part["bans"]["next_end_seconds"] = std::max(0.0, seconds(*end - now));
    }
    return part;
}

json addresses_part(const std::vector<core::Address>& addresses) {
    json list = json::array();
    for (const core::Address& address : addresses) {
        list.push_back(report::to_text(address));
    }
    return list;
}

json host_part(const core::Knowledge::Facts& facts) {
    return {
        {"own_addresses", addresses_part(facts.own_addresses)},
        {"gateways", addresses_part(facts.gateways)},
        {"resolvers", addresses_part(facts.resolvers)},
        {"logged_in_peers", addresses_part(facts.session_peers)},
        {"ephemeral_ports", {{"first", facts.ephemeral_first}, {"last", facts.ephemeral_last}}},
        {"served_ports", facts.served.size()},
    };
}

json ports_part(const std::vector<core::TriedPort>& ports) {
    return report::ports_to_json(ports, wall_time, report::kAll);
}

json evidence_part(const core::Evidence& evidence) {
    return report::evidence_to_json(evidence, report::kAll);
}

json ban_part(const core::BanRecord& record, const enforce::EnforcedBan* held, core::Time now) {
    json part{
        {"source", report::to_text(record.ban.source)},
        {"prefix_length", record.ban.source.length},
        {"family", record.ban.source.address.family() == core::Family::ipv4 ? "ipv4" : "ipv6"},
        {"state", core::name_of(record.state)},
        {"reason", core::name_of(record.ban.reason)},
        {"soft", record.ban.soft},
        {"offence", record.ban.offence},
        {"since", timestamp(record.since)},
        {"until", timestamp(record.ban.until)},
        {"seconds_left", std::max(0.0, seconds(record.ban.until - now))},
        {"failures", record.failures},
        {"ports", ports_part(record.evidence.ports)},
    };
    if (!record.note.empty()) {
        part["note"] = record.note;
    }
    if (held != nullptr) {
        part["set"] = nft::name_of({.ipv6 = record.ban.source.address.family() == core::Family::ipv6,
                                    .soft = held->soft,
                                    .prefix_length = record.ban.source.length});
        part["packets"] = held->packets;
        part["bytes"] = held->bytes;
    }
    return part;
}

}  // namespace

json status_document(const StatusFacts& facts, const core::Engine& engine, core::Time now) {
    json document = engine_part(engine, now);
    document["schema"] = "farewell/status/v1";
    document["version"] = facts.version;
    document["pid"] = facts.pid;
    document["mode"] = facts.observing ? "observe" : "enforce";
    document["started"] = timestamp(facts.started);
    document["uptime_seconds"] = seconds(now - facts.started);
    document["config"] = {{"files", facts.config_files}, {"loaded", timestamp(facts.config_loaded)}};
    json lanes = json::array();
    source::PacketCounts packets;
    for (const source::LaneStatus& lane : facts.lanes) {
        lanes.push_back(lane_part(lane));
        packets += lane.counts;
    }
    document["packets"] = packets_part(packets, facts.packets_per_second);
    if (facts.verdict_p99) {
        document["packets"]["verdict_p99_seconds"] = seconds(*facts.verdict_p99);
    }
    document["source"] = facts.logged ? "nflog" : "nfqueue";
    document[facts.logged ? "groups" : "queues"] = std::move(lanes);
    document["host"] = host_part(engine.knowledge().facts());
    document["nftables"] = {
        {"table", facts.table},
        {"enforced", engine.bans_wanted() - std::min(facts.refused, engine.bans_wanted())},
        {"repairs", facts.repairs},
        {"refusing", facts.is_kernel_refusing},
        {"verified", timestamp(facts.verified)},
        {"verified_seconds_ago", seconds(now - facts.verified)}};
    if (facts.last_repair) {
        document["nftables"]["last_repair"] = {{"at", timestamp(facts.last_repair->at)},
                                               {"seconds_ago", seconds(now - facts.last_repair->at)},
                                               {"by", facts.last_repair->by}};
    }
    if (facts.trap) {
        document["trap"] = {{"hesitation", nft::name_of(facts.trap->hesitation)},
                            {"hold_seconds", seconds(facts.trap->hold)}};
    }
    if (facts.brake) {
        document["brake"] = {{"ports", facts.brake->ports}, {"window_seconds", seconds(facts.brake->window)}};
    }
    document["connections"] = {{"walks", facts.flows.walks},
                               {"failed", facts.flows.failed},
                               {"removed", facts.flows.removed},
                               {"turned_away", facts.flows.turned_away}};
    document["history"] = history_part(facts.history);
    if (facts.metrics_file) {
        document["metrics_file"] = {{"failures", facts.metrics_file->failures},
                                    {"trouble", facts.metrics_file->trouble}};
    }
    document["degraded"] = !facts.trouble.empty() || facts.is_history_short() || engine.is_degraded(now);
    if (!facts.trouble.empty()) {
        document["trouble"] = facts.trouble;
    }
    return document;
}

json bans_document(const std::vector<core::BanRecord>& bans, std::size_t total,
                   const std::vector<enforce::EnforcedBan>& held, core::Time now) {
    std::map<core::Prefix, const enforce::EnforcedBan*> by_source;
    for (const enforce::EnforcedBan& ban : held) {
        by_source.emplace(ban.source, &ban);
    }
    json list = json::array();
    for (const core::BanRecord& record : bans) {
        const auto found = by_source.find(record.ban.source);
        list.push_back(ban_part(record, found == by_source.end() ? nullptr : found->second, now));
    }
    return {{"schema", "farewell/bans/v1"}, {"total", total}, {"bans", std::move(list)}};
}

json ban_document(const core::BanRecord& ban, const std::optional<enforce::EnforcedBan>& held,
                  core::Time now) {
    json document = ban_part(ban, held ? &*held : nullptr, now);
    document["schema"] = "farewell/ban/v1";
    return document;
}

json explain_document(const core::Address& source, const core::SourceReport& report,
                      const core::Engine& engine, const std::optional<enforce::EnforcedBan>& held,
                      core::Time now) {
    const core::Limits& limits = engine.limits();
    json document{
        {"schema", "farewell/explain/v1"},
        {"address", report::to_text(source)},
        {"allowlisted", report.allowlisted},
        {"banned", report.ban.has_value()},
        {"rule", core::name_of(limits.rule)},
        {"threshold", limits.threshold},
        {"burst", limits.burst},
        {"burst_window_seconds", seconds(limits.burst_window)},
        {"window_seconds", seconds(limits.window)},
    };
    if (report.protected_address) {
        document["protected_as"] = engine.knowledge().protected_as(source);
    }
    if (report.ban) {
        document["first_duration_seconds"] =
            seconds(report.ban->ban.soft ? limits.soft_ban_duration : limits.ban_duration);
        document["ban"] = ban_part(*report.ban, held ? &*held : nullptr, now);
        document["ports"] = ports_part(report.ban->evidence.ports);
        document["evidence"] = evidence_part(report.ban->evidence);
        return document;
    }
    document["ports"] = ports_part(report.evidence.ports);
    document["evidence"] = evidence_part(report.evidence);
    const double so_far = limits.rule == core::DetectionRule::plain
                              ? static_cast<double>(report.evidence.distinct)
                              : core::points(report.evidence.weight);
    document["missing"] = std::max(0.0, static_cast<double>(limits.threshold) - so_far);
    return document;
}

json disregarded_part(const std::vector<source::DisregardedPacket>& packets) {
    json list = json::array();
    for (const source::DisregardedPacket& packet : packets) {
        list.push_back({{"seen", timestamp(packet.at)},
                        {"port", report::to_text(packet.port)},
                        {"rule", core::name_of(packet.rule)}});
    }
    return list;
}

}  // namespace farewell::daemon

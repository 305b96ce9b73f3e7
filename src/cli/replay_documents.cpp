// SPDX-License-Identifier: GPL-2.0-or-later
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/replay_report.hpp"
#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

/// On a capture, the core's clock counts from 1970.
std::string stamp(core::Time time) {
    return report::to_rfc3339(std::chrono::system_clock::time_point(time.time_since_epoch()));
}

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

/// {"truncated": 3, …} of an array indexed by an enum.
template <typename Enum, std::size_t kSize>
json by_name(const std::array<std::uint64_t, kSize>& counts) {
    json object = json::object();
    for (std::size_t i = 0; i < kSize; ++i) {
        object[std::string(name_of(static_cast<Enum>(i)))] = counts[i];
    }
    return object;
}

json counts_of(const replay::FrameCounts& frames, const replay::Counts& counts) {
    return {{"packets", frames.frames},
            {"not_ip", frames.not_ip},
            {"cut_short", frames.cut_short},
            {"undecoded", by_name<core::DecodeError>(frames.undecoded)},
            {"clock_stepped_back", frames.clock_stepped_back},
            {"fates", by_name<replay::Fate>(counts.fates)},
            {"rules", by_name<core::Rule>(counts.rules)},
            {"probes", counts.probes},
            {"sources", counts.sources},
            {"bans_total", counts.bans},
            {"kept_out", counts.kept_out}};
}

json ports_of(const std::vector<core::TriedPort>& tried) {
    json ports = json::array();
    for (const core::TriedPort& port : tried) {
        ports.push_back({{"port", report::to_text(port.port)}, {"seen", stamp(port.seen)}});
        if (port.rule) {
            ports.back()["kind"] = core::name_of(*port.rule);
        }
    }
    return ports;
}

json optional(const std::optional<std::uint64_t>& number) {
    return number ? json(*number) : json();
}

json ban_of(const replay::BannedSource& ban, core::Time began) {
    return {{"source", report::to_text(ban.source)},
            {"criterion", core::name_of(ban.evidence.criterion)},
            {"soft", ban.soft},
            {"could_be_forged", !ban.evidence.is_proven},
            {"tools", core::names_of(ban.evidence.tools)},
            {"points", core::points(ban.evidence.weight)},
            {"at", stamp(ban.at)},
            {"until", stamp(ban.until)},
            {"seconds", seconds(ban.at - began)},
            {"seconds_since_first_probe", seconds(ban.at - ban.first_probe)},
            {"probes", optional(ban.probes)},
            {"distinct_ports", ban.evidence.distinct},
            {"kept_out", ban.kept_out},
            {"ports", ports_of(ban.evidence.ports)}};
}

}  // namespace

json replay_document(const replay::FileReport& report, core::Time began) {
    json document = counts_of(report.frames, report.counts);
    document["schema"] = "farewell/replay/v1";
    document["file"] = report.file.string();
    document["reading"] = replay::name_of(report.reading);
    document["problem"] = report.problem ? json(report.problem->message) : json();
    document["link"] = report.link;
    document["began"] = stamp(began);
    document["first"] = report.first_frame ? json(stamp(*report.first_frame)) : json();
    document["last"] = report.first_frame ? json(stamp(report.last_frame)) : json();
    document["bans"] = json::array();
    for (const replay::BannedSource& ban : report.bans) {
        document["bans"].push_back(ban_of(ban, began));
    }
    document["near_misses"] = json::array();
    for (const replay::NearMiss& miss : report.near_misses) {
        document["near_misses"].push_back({{"address", report::to_text(miss.source)},
                                           {"probes", optional(miss.probes)},
                                           {"distinct_ports", miss.evidence.ports.size()},
                                           {"points", core::points(miss.evidence.weight)},
                                           {"ports", ports_of(miss.evidence.ports)}});
    }
    return document;
}

json summary_document(const ReplaySummary& summary) {
    json document = counts_of(summary.frames, summary.counts);
    document["schema"] = "farewell/replay-summary/v1";
    document["files"] = by_name<replay::Reading>(summary.files);
    document["other_files"] = summary.other_files;
    document["files_with_bans"] = summary.files_with_bans;
    document["not_remembered"] = summary.forgone;
    return document;
}

}  // namespace farewell::cli

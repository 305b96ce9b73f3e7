// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/history_documents.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "daemon/clock.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {
namespace {

using history::Record;
using history::WallTime;
using nlohmann::json;

// Both are the end of a ban, but one has been through the kernel's timeout, and wall clocks are set.
constexpr std::chrono::minutes kSameEnd{1};

WallTime rounded(core::Time time) {
    return std::chrono::floor<std::chrono::milliseconds>(wall_time(time));
}

bool is_of(const Record& record, const core::Ban& ban) {
    return record.until && std::chrono::abs(*record.until - rounded(ban.until)) < kSameEnd;
}

/// Neither detected nor typed in this life of the daemon: the kernel had it.
bool is_adopted(const core::BanRecord& ban) {
    return !core::is_by_person(ban.ban.reason) && ban.evidence.ports.empty();
}

void add_evidence(json& explanation, const Record& record) {
    const json event = history::to_json(record);
    if (!event.contains("evidence") || !event.contains("ports")) {
        return;
    }
    explanation["evidence_from"] = "history";
    explanation["evidence"] = event.at("evidence");
    explanation["ports"] = event.at("ports");
    json& ban = explanation["ban"];
    ban["ports"] = event.at("ports");
    ban["reason"] = event.at("reason");
    ban["soft"] = event.at("soft");
    ban["since"] = event.at("at");
}

}  // namespace

json history_part(const std::optional<history::Recorder::Status>& status) {
    if (!status) {
        return {{"enabled", false}};
    }
    json part{{"enabled", true},
              {"events", status->events},
              {"bytes", status->bytes},
              {"bytes_max", status->bounds.size},
              {"age_max_seconds", std::chrono::duration<double>(status->bounds.age).count()},
              {"events_in_memory_only", status->waiting},
              {"dropped", status->dropped},
              {"in_memory_only", !status->trouble.empty()}};
    if (!status->trouble.empty()) {
        part["trouble"] = status->trouble;
    }
    return part;
}

json events_document(history::Archive& archive, const history::EventQuery& query) {
    history::EventQuery one_more = query;
    ++one_more.max;
    const std::vector<Record> records = archive.events(one_more);
    const bool has_more = records.size() > query.max;
    json events = json::array();
    for (std::size_t i = has_more ? 1 : 0; i < records.size(); ++i) {
        events.push_back(history::to_json(records[i]));
    }
    return {{"schema", "farewell/events/v1"}, {"events", std::move(events)}, {"more", has_more}};
}

void add_history(json& explanation, history::Archive& archive, const core::Address& address,
                 const std::optional<core::BanRecord>& ban) {
    WallTime before = WallTime::max();
    if (ban) {
        before = rounded(ban->since);
        const auto kept = archive.latest_ban(ban->ban.source);
        if (kept && is_of(*kept, ban->ban)) {
            before = kept->at;
            if (is_adopted(*ban)) {
                add_evidence(explanation, *kept);
            }
        }
    }
    const history::EarlierBans earlier = archive.earlier_bans(address, before);
    json part{{"earlier_bans", earlier.count}};
    if (earlier.last) {
        part["last"] = history::to_json(*earlier.last);
    }
    explanation["history"] = std::move(part);
}

}  // namespace farewell::daemon

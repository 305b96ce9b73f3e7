// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/record.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::history {
namespace {

using nlohmann::json;

WallTime rounded(std::chrono::system_clock::time_point time) {
    return std::chrono::floor<std::chrono::milliseconds>(time);
}

/// Fills in what is particular to each kind of event.
class Describer {
 public:
    Describer(Record& record, const report::WallClock& wall_clock)
        : record_(record), wall_clock_(wall_clock) {}

    void operator()(const Banned& banned) const {
        record_.kind = EventKind::ban;
        record_.source = banned.ban.source;
        record_.reason = core::name_of(banned.ban.reason);
        record_.soft = banned.ban.soft;
        record_.until = rounded(wall_clock_(banned.ban.until));
        json detail{{"offence", banned.ban.offence},
                    {"evidence", report::evidence_to_json(banned.evidence, kListedMax)},
                    {"ports", report::ports_to_json(banned.evidence.ports, wall_clock_, kListedMax)}};
        if (!banned.note.empty()) {
            detail["note"] = banned.note;
        }
        record_.detail = detail.dump(-1, ' ', false, json::error_handler_t::replace);
    }
    void operator()(const Imported& imported) const {
        record_.kind = EventKind::imported;
        record_.detail = json{{"bans", imported.bans}}.dump();
    }
    void operator()(const Unbanned& unbanned) const {
        record_.kind = EventKind::unban;
        record_.source = unbanned.unban.source;
        record_.reason = core::name_of(unbanned.unban.reason);
    }
    void operator()(const Repaired& repaired) const {
        record_.kind = EventKind::repair;
        json detail{{"rebuilt", repaired.rebuilt}, {"bans", repaired.bans}};
        if (!repaired.by.empty()) {
            detail["by"] = repaired.by;
        }
        // The name of a program is whatever bytes it gave itself.
        record_.detail = detail.dump(-1, ' ', false, json::error_handler_t::replace);
    }
    void operator()(const BudgetSpent& spent) const {
        record_.kind = EventKind::budget_spent;
        record_.detail = json{{"bans_per_minute", spent.bans_per_minute}}.dump();
    }
    void operator()(const BansResumed& resumed) const {
        record_.kind = EventKind::bans_resumed;
        record_.detail = json{{"withheld", resumed.withheld}}.dump();
    }

 private:
    Record& record_;
    const report::WallClock& wall_clock_;
};

}  // namespace

std::optional<EventKind> event_kind_of(std::string_view name) {
    const auto* const found = std::ranges::find(kEventKinds, name);
    return found == kEventKinds.end() ? std::nullopt
                                      : std::optional(static_cast<EventKind>(found - kEventKinds.begin()));
}

bool is_by_detection(const Record& record) {
    return record.kind == EventKind::ban && record.reason != core::name_of(core::BanReason::by_operator);
}

Record record_of(const Event& event, const report::WallClock& wall_clock) {
    Record record;
    record.at = rounded(wall_clock(event.at));
    record.observed = event.observed;
    record.detail = "{}";
    std::visit(Describer(record, wall_clock), event.what);
    return record;
}

json to_json(const Record& record) {
    json document = json::parse(record.detail, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object()) {
        document = json::object();
    }
    document["schema"] = "farewell/event/v1";
    document["event"] = name_of(record.kind);
    document["at"] = report::to_rfc3339(record.at);
    document["observed"] = record.observed;
    if (record.id != 0) {
        document["id"] = record.id;
    }
    if (record.source) {
        document["source"] = report::to_text(*record.source);
        document["prefix_length"] = record.source->length;
    }
    if (!record.reason.empty()) {
        document["reason"] = record.reason;
    }
    if (record.until) {
        document["until"] = report::to_rfc3339(*record.until);
        document["soft"] = record.soft;
    }
    return document;
}

}  // namespace farewell::history

// SPDX-License-Identifier: GPL-2.0-or-later
// One event as it is kept: on the wall clock, with its evidence as JSON text. Rows of the store are these,
// and so is what waits in memory.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/action.hpp"
#include "core/address.hpp"
#include "history/event.hpp"
#include "report/evidence_json.hpp"

namespace farewell::history {

/// To the millisecond: what is kept, and what people are shown.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

enum class EventKind : std::uint8_t { ban, imported, unban, repair, budget_spent, bans_resumed };
/// Their names, in the order of the enumeration: what is kept, and what clients get.
inline constexpr std::array<std::string_view, 6> kEventKinds{"ban",    "imported",     "unban",
                                                             "repair", "budget_spent", "bans_resumed"};
[[nodiscard]] constexpr std::string_view name_of(EventKind kind) {
    return kEventKinds.at(static_cast<std::size_t>(kind));
}
[[nodiscard]] std::optional<EventKind> event_kind_of(std::string_view name);

struct Record {
    std::int64_t id = 0;  ///< in the order of arrival; 0 while it is not in the file
    WallTime at;
    EventKind kind = EventKind::ban;
    std::optional<core::Prefix> source;  ///< of bans and unbans
    std::string reason;                  ///< of a ban or unban, by name; empty otherwise
    bool soft = false;                   ///< a ban on doubtful evidence
    bool observed = false;               ///< in observe mode: nobody was kept out
    std::optional<WallTime> until;       ///< of a ban: its end, as planned
    std::string detail;                  ///< a JSON object: evidence and ports of a ban, or what was repaired
};

/// A ban that detection made, not a person.
[[nodiscard]] bool is_by_detection(const Record& record);

/// `wall_clock` is asked now, which is within milliseconds of the event.
[[nodiscard]] Record record_of(const Event& event, const report::WallClock& wall_clock);

/// farewell/event/v1, as clients get it. A detail that is no JSON object is left out.
[[nodiscard]] nlohmann::json to_json(const Record& record);

/// Ports and companions of one ban that are kept; the evidence still says how many there were. They bound a
/// record to about 8 KiB.
inline constexpr std::size_t kListedMax = 64;

}  // namespace farewell::history

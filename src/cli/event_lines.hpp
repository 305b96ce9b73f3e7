// SPDX-License-Identifier: GPL-2.0-or-later
// What the history tells, as text for people: JSON in, lines out. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace farewell::cli {

/// Of a farewell/events/v1, a line each.
[[nodiscard]] std::string event_lines(const nlohmann::json& events);
/// Of a farewell/event/v1 that is neither a ban nor an unban: what happened, in words; empty for those.
[[nodiscard]] std::string remark_text(const nlohmann::json& event);
/// Of a farewell/event/v1.
[[nodiscard]] std::string event_line(const nlohmann::json& event);
/// Of a farewell/explain/v1: whether it was banned before; empty if it was not, or nobody knows.
[[nodiscard]] std::string earlier_bans_line(const nlohmann::json& explanation);
/// Of a farewell/status/v1.
[[nodiscard]] std::string history_line(const nlohmann::json& history);

}  // namespace farewell::cli

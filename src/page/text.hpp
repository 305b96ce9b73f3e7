// SPDX-License-Identifier: GPL-2.0-or-later
// Text made safe for HTML, and numbers and times as the page writes them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "page/document.hpp"

namespace farewell::page {

/// For text between tags and for attributes in quotes, as report::printable has it.
[[nodiscard]] std::string escaped(std::string_view text);
/// For a <script type="application/json">: no `<` is left that could end it, no `&` or `>` either.
[[nodiscard]] std::string json_for_html(const nlohmann::json& document);

/// "1 234 567" with narrow no-break spaces.
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "2026-11-23 09:31:02.412" of a clock that is ahead of UTC by so much.
[[nodiscard]] std::string stamp(WallTime time, std::chrono::minutes utc_offset);
/// "2026-11-23T08:31:02.412Z", for <time>.
[[nodiscard]] std::string machine_stamp(WallTime time);
/// Of an RFC 3339 stamp in UTC, as the daemon writes them; nullopt for anything else.
[[nodiscard]] std::optional<WallTime> parse_stamp(const std::string& text);
/// "UTC+01:00", "UTC".
[[nodiscard]] std::string zone_text(std::chrono::minutes utc_offset);
/// "1 source", "3 sources".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

}  // namespace farewell::page

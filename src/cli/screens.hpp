// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's documents as text for people: JSON in, a screen out. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/paint.hpp"

namespace farewell::cli {

[[nodiscard]] std::string status_screen(const nlohmann::json& status, const Paint& paint);
[[nodiscard]] std::string bans_screen(const nlohmann::json& bans, const Paint& paint);
[[nodiscard]] std::string ban_screen(const nlohmann::json& ban, const Paint& paint);
[[nodiscard]] std::string unban_screen(const nlohmann::json& unban, const Paint& paint);
[[nodiscard]] std::string sources_screen(const nlohmann::json& sources, const Paint& paint);
[[nodiscard]] std::string explain_screen(const nlohmann::json& explanation, const Paint& paint);

/// Of a farewell/allowlist/v1: everybody whom farewell never bans, and why.
[[nodiscard]] std::string allowlist_screen(const nlohmann::json& allowlist, const Paint& paint);
[[nodiscard]] std::string allowed_screen(const nlohmann::json& answer, const Paint& paint);
[[nodiscard]] std::string disallowed_screen(const nlohmann::json& answer, const Paint& paint);
/// Where an entry of the allowlist comes from: "by hand, 2026-11-25 21:00:03.000: the office".
[[nodiscard]] std::string allow_entry_text(const nlohmann::json& entry);

}  // namespace farewell::cli

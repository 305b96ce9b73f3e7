// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's documents as text for people: JSON in, a screen out. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace farewell::cli {

[[nodiscard]] std::string status_screen(const nlohmann::json& status);
[[nodiscard]] std::string bans_screen(const nlohmann::json& bans);
[[nodiscard]] std::string ban_screen(const nlohmann::json& ban);
[[nodiscard]] std::string unban_screen(const nlohmann::json& unban);
[[nodiscard]] std::string explain_screen(const nlohmann::json& explanation);

}  // namespace farewell::cli

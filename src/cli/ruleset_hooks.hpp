// SPDX-License-Identifier: GPL-2.0-or-later
// For those who would rather write their own rule than have a trap: which rule, and where it goes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace farewell::cli {

/// The firewalls that `farewell ruleset --hook` knows.
inline constexpr std::array<std::string_view, 3> kHooks{"nftables", "ufw", "firewalld"};

/// nullopt: no such firewall.
[[nodiscard]] std::optional<std::string> hook_text(std::string_view firewall,
                                                   const config::Config::Capture& capture);

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// Commands that several checks propose.
#pragma once

#include <string>
#include <string_view>

#include "doctor/facts.hpp"

namespace farewell::doctor {

/// Has farewelld follow a setting that it chooses at start.
inline constexpr std::string_view kRestart = "systemctl restart farewell";
/// The same for one that it takes over while it runs.
inline constexpr std::string_view kReload = "systemctl reload farewell";
/// Writes a file beside the configuration that sets keys, `then` makes it so.
/// `name` "queues", `toml` "[capture]\nqueues = \"0-3\"\n".
[[nodiscard]] std::string set_keys(const Facts& facts, std::string_view name, std::string_view toml,
                                   std::string_view then);

}  // namespace farewell::doctor

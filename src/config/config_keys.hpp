// SPDX-License-Identifier: GPL-2.0-or-later
// Every key that the configuration knows, and how its value is checked and taken. One row a key.
// Included by config.cpp and config_keys.cpp only: toml++ is heavy.
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace farewell::config {

struct Config;

struct ConfigKey {
    std::string_view name;  // "detect.threshold"
    /// Takes the value over, or says what it must be: "must be an integer 2..65535, got string "ten"".
    std::optional<std::string> (*set)(Config& config, const toml::node& node);
};

[[nodiscard]] std::span<const ConfigKey> config_keys();

/// "detect": some key begins with it and a dot.
[[nodiscard]] bool is_config_section(std::string_view name);

}  // namespace farewell::config

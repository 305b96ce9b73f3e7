// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon's documents say, and its command line. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "config/config.hpp"
#include "doctor/facts.hpp"

namespace farewell::doctor {

/// Of farewell/status/v1; throws what nlohmann::json throws where it is none.
[[nodiscard]] DaemonFacts daemon_facts(const nlohmann::json& status);
/// Of farewell/explain/v1: what protects the address; empty: nothing.
[[nodiscard]] std::string protection_of(const nlohmann::json& explanation);

/// The configuration that a farewelld with these arguments reads.
[[nodiscard]] config::ConfigSources sources_of(std::span<const std::string> arguments);

}  // namespace farewell::doctor

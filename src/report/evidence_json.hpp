// SPDX-License-Identifier: GPL-2.0-or-later
// What a ban rests on, as JSON: shown by `farewell explain`, kept by the history.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/evidence.hpp"

namespace farewell::report {

/// The wall clock's time of a moment of the core's clock.
using WallClock = std::function<std::chrono::system_clock::time_point(core::Time)>;

/// The ports, each with its points, kind and when it was last tried; at most `most` of them, the first ones.
[[nodiscard]] nlohmann::json ports_to_json(const std::vector<core::TriedPort>& ports,
                                           const WallClock& wall_clock, std::size_t most);
/// Everything but the ports; at most `most` companions.
[[nodiscard]] nlohmann::json evidence_to_json(const core::Evidence& evidence, std::size_t most);

/// Nothing is left out.
inline constexpr std::size_t kAll = static_cast<std::size_t>(-1);

}  // namespace farewell::report

// SPDX-License-Identifier: GPL-2.0-or-later
// Sources that are not banned, as JSON. Facts in, JSON out; asks nobody.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/evidence.hpp"
#include "core/limits.hpp"

namespace farewell::daemon {

/// One of farewell/sources/v1's list.
[[nodiscard]] nlohmann::json source_part(const core::SourceStanding& standing, core::DetectionRule rule);
/// `tracked`: how many there are in all.
[[nodiscard]] nlohmann::json sources_document(const std::vector<core::SourceStanding>& standings,
                                              std::size_t tracked, core::DetectionRule rule);

}  // namespace farewell::daemon

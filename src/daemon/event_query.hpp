// SPDX-License-Identifier: GPL-2.0-or-later
// Which events a client asks for: the parameters of ListEvents and FollowEvents.
#pragma once

#include <cstddef>
#include <expected>
#include <nlohmann/json_fwd.hpp>

#include "history/query.hpp"

namespace farewell::daemon {

/// At most `most` at one time. The error is the answer.
[[nodiscard]] std::expected<history::EventQuery, nlohmann::json> event_query_of(
    const nlohmann::json& parameters, std::size_t most);

}  // namespace farewell::daemon

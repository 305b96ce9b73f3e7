// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/event_query.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "daemon/clock.hpp"
#include "daemon/control_answer.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {

using nlohmann::json;
namespace error = report::control::error;

std::expected<history::EventQuery, json> event_query_of(const json& parameters, std::size_t most) {
    history::EventQuery query;
    if (parameters.contains("since")) {
        const auto since = report::parse_duration(text_of(parameters, "since").value_or(""));
        if (!since) {
            return std::unexpected(
                failure(error::kInvalidParameter, "since must be a duration such as \"1h\" or \"7d\""));
        }
        query.since = std::chrono::floor<std::chrono::milliseconds>(wall_time(boot_now()) - *since);
    }
    if (const auto max = parameters.find("max"); max != parameters.end()) {
        if (!max->is_number_unsigned() || *max < 1 || *max > most) {
            return std::unexpected(
                failure(error::kInvalidParameter, fmt::format("max must be a number 1..{}", most)));
        }
        query.max = max->get<std::size_t>();
    }
    if (const auto before = parameters.find("before"); before != parameters.end()) {
        if (!before->is_number_integer()) {
            return std::unexpected(failure(error::kInvalidParameter, "before must be the id of an event"));
        }
        query.before = before->get<std::int64_t>();
    }
    if (parameters.contains("source")) {
        query.source = report::parse_prefix(text_of(parameters, "source").value_or(""));
        if (!query.source) {
            return std::unexpected(
                failure(error::kInvalidParameter,
                        fmt::format("source must be an address or a prefix without host bits, got {}",
                                    parameters.at("source").dump())));
        }
    }
    return query;
}

}  // namespace farewell::daemon

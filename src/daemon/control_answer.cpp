// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control_answer.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "report/address_text.hpp"
#include "report/control_protocol.hpp"

namespace farewell::daemon {

using nlohmann::json;

json answer_of(json parameters) {
    return {{"parameters", std::move(parameters)}};
}

json failure(std::string_view name, std::string message) {
    return {{"error", name}, {"parameters", {{"message", std::move(message)}}}};
}

std::optional<std::string> text_of(const json& parameters, const char* name) {
    const auto found = parameters.find(name);
    if (found == parameters.end() || !found->is_string()) {
        return std::nullopt;
    }
    return found->get<std::string>();
}

std::expected<core::Prefix, json> source_of(const json& parameters) {
    const auto text = text_of(parameters, "source");
    if (!text) {
        return std::unexpected(failure(report::control::error::kInvalidParameter,
                                       fmt::format("source must be an address or a prefix, got {}",
                                                   parameters.value("source", json("nothing")).dump())));
    }
    const auto source = report::parse_source(*text);
    if (!source) {
        return std::unexpected(failure(report::control::error::kInvalidParameter, source.error()));
    }
    return *source;
}

}  // namespace farewell::daemon

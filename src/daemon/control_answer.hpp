// SPDX-License-Identifier: GPL-2.0-or-later
// The shape of answers and errors, and parameters that several methods take.
#pragma once

#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/address.hpp"

namespace farewell::daemon {

[[nodiscard]] nlohmann::json answer_of(nlohmann::json parameters);
/// `name` is one of report::control::error; the message is a sentence for people.
[[nodiscard]] nlohmann::json failure(std::string_view name, std::string message);

/// nullopt: not there, or no text.
[[nodiscard]] std::optional<std::string> text_of(const nlohmann::json& parameters, const char* name);
/// The source that a ban is for; the error is the answer.
[[nodiscard]] std::expected<core::Prefix, nlohmann::json> source_of(const nlohmann::json& parameters);

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// The shape of answers and errors, and parameters that several methods take.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/address.hpp"
#include "core/engine.hpp"
#include "core/knowledge.hpp"

namespace farewell::daemon {

[[nodiscard]] nlohmann::json answer_of(nlohmann::json parameters);
/// `name` is one of report::control::error; the message is a sentence for people.
[[nodiscard]] nlohmann::json failure(std::string_view name, std::string message);

/// nullopt: not there, or no text.
[[nodiscard]] std::optional<std::string> text_of(const nlohmann::json& parameters, const char* name);
/// The source that a ban is for; the error is the answer.
[[nodiscard]] std::expected<core::Prefix, nlohmann::json> source_of(const nlohmann::json& parameters);

/// Why an order to ban `source` came to nothing; nullopt if it did not.
[[nodiscard]] std::optional<std::string> refusal_text(const core::Knowledge& knowledge,
                                                      const core::Prefix& source, core::OrderResult result);
/// A second to kBanDurationMax: what a person may ask for.
inline constexpr std::chrono::hours kBanDurationMax{24 * 366};
[[nodiscard]] bool is_ban_duration(std::chrono::nanoseconds duration);
/// Text from a client made fit to be kept and shown: one line, no control characters, at most kNoteBytesMax.
[[nodiscard]] std::string note_of(std::string_view text);
inline constexpr std::size_t kNoteBytesMax = 200;

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// What the history knows, as the JSON documents that clients get. Asks the archive; thread of the recorder.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/address.hpp"
#include "core/ban_book.hpp"
#include "history/archive.hpp"
#include "history/recorder.hpp"

namespace farewell::daemon {

/// For status; nullopt: the history is off.
[[nodiscard]] nlohmann::json history_part(const std::optional<history::Recorder::Status>& status);

/// farewell/events/v1
[[nodiscard]] nlohmann::json events_document(history::Archive& archive, const history::EventQuery& query);

/// Adds to a farewell/explain/v1 how often the address was banned before; and to a ban that was found in the
/// kernel at start, what it rests on. `ban`: the one that keeps it out now.
void add_history(nlohmann::json& explanation, history::Archive& archive, const core::Address& address,
                 const std::optional<core::BanRecord>& ban);

}  // namespace farewell::daemon

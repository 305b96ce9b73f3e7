// SPDX-License-Identifier: GPL-2.0-or-later
// Where log lines go: to the journal where stderr is its, with fields; else to stderr, as they read. What
// others are called may be in them, so both are made printable here.
//
// Threads:  set_up_log() before any; log_event() from any.
#pragma once

#include <spdlog/common.h>

#include <string_view>
#include <vector>

#include "service/journal.hpp"
#include "service/message_ids.hpp"

namespace farewell::service {

/// Everything that is said by spdlog's default logger takes this way from now on.
void set_up_log();

/// A line that the catalogue explains, and what it is about as fields. Those without a value are left out.
void log_event(const MessageId& id, spdlog::level::level_enum level, std::string_view line,
               std::vector<Field> fields = {});

}  // namespace farewell::service

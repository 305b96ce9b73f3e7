// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's parts as the configuration wants them: made once, at start, or told anew at a reload.
#pragma once

#include <spdlog/common.h>

#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/engine.hpp"
#include "daemon/resources.hpp"
#include "history/recorder.hpp"

namespace farewell::daemon {

[[nodiscard]] spdlog::level::level_enum spdlog_level(config::LogLevel level);
[[nodiscard]] std::vector<std::string> file_names(const config::Config& config);
/// Knows what the host knows of itself, and the bans that were found in the kernel.
[[nodiscard]] core::Engine make_engine(const config::Config& config, const Resources& resources);
[[nodiscard]] history::Bounds history_bounds(const config::Config& config);
/// nullptr: no history is wanted.
[[nodiscard]] std::unique_ptr<history::Recorder> make_recorder(const config::Config& config);

}  // namespace farewell::daemon

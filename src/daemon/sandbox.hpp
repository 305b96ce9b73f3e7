// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon cannot do any more once it runs, whatever becomes of it: docs/adr/0010.
#pragma once

#include <expected>

#include "config/config.hpp"
#include "daemon/resources.hpp"

namespace farewell::daemon {

/// As `process.sandbox` wants it: the file fence, then the filter of system calls. After privileges were
/// given up and before any thread is started. Logs what this kernel or this build does not offer.
[[nodiscard]] std::expected<void, StartFailure> enter_sandbox(const config::Config& config);

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// Which system calls this process may still make: those of its work, and no other (seccomp(2)). What the
// answer to the others is, and why, says docs/adr/0010.
#pragma once

#include <expected>
#include <string>

namespace farewell::daemon {

/// For all threads, the running ones too, and for good. Call it when everything has been opened and before
/// threads are started. The error is a sentence.
[[nodiscard]] std::expected<void, std::string> restrict_system_calls();

}  // namespace farewell::daemon

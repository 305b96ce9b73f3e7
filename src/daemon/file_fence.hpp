// SPDX-License-Identifier: GPL-2.0-or-later
// Where this process may still change files: below the directories that it needs, and nowhere else; and it
// can start no program at all (landlock(7)). Reading stays as it is.
#pragma once

#include <expected>
#include <filesystem>
#include <span>
#include <string>

namespace farewell::daemon {

/// For this thread and those it starts, for good; needs no_new_privs. The error is a sentence; kernels before
/// 5.13, and those started without Landlock, give one.
[[nodiscard]] std::expected<void, std::string> write_only_below(
    std::span<const std::filesystem::path> directories);

}  // namespace farewell::daemon

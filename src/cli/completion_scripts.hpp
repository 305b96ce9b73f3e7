// SPDX-License-Identifier: GPL-2.0-or-later
// Completion for three shells, as text that they read.
#pragma once

#include <span>
#include <string>

#include "cli/completion_tree.hpp"

namespace farewell::cli {

/// `commands` as completion_tree gives them.
[[nodiscard]] std::string bash_completion(std::span<const CompletedCommand> commands);
[[nodiscard]] std::string zsh_completion(std::span<const CompletedCommand> commands);
[[nodiscard]] std::string fish_completion(std::span<const CompletedCommand> commands);

}  // namespace farewell::cli

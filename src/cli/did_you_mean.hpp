// SPDX-License-Identifier: GPL-2.0-or-later
// What a mistyped command line may have meant.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace CLI {
class App;
}

namespace farewell::cli {

/// The first word of a command line that is no command or option of `app` where it stands, and near one that
/// is: that one.
[[nodiscard]] std::optional<std::string> did_you_mean(const CLI::App& app,
                                                      std::span<const char* const> words);

}  // namespace farewell::cli

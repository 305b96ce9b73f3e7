// SPDX-License-Identifier: GPL-2.0-or-later
// What `farewell replay` and `farewell tune` have in common: by which configuration they judge, which ports
// they take for open, and how they speak of files that cannot be judged.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/config_options.hpp"
#include "replay/replay.hpp"

namespace CLI {
class App;
}

namespace farewell::cli {

struct JudgementOptions {
    ConfigOptions config;
    std::vector<std::string> open;
    bool all_dropped = false;
};

void add_judgement_options(CLI::App& command, JudgementOptions& options);

/// nullopt: the configuration is wrong, and stderr has been told why.
[[nodiscard]] std::optional<replay::Options> read_judgement(const JudgementOptions& options);

/// A file lying about in a folder that is no capture: nobody asked for it, nobody needs to hear of it.
[[nodiscard]] bool is_other_file(const replay::FileReading& file, bool named);
/// "farewell: FILE: what is wrong with it" to stderr; nothing if it was read as a whole.
void complain(const replay::FileReading& file);

}  // namespace farewell::cli

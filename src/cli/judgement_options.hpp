// SPDX-License-Identifier: GPL-2.0-or-later
// What `farewell replay`, `report` and `tune` have in common: by which configuration they judge, which ports
// they take for open, and how they speak of files that cannot be judged.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/config_options.hpp"
#include "replay/capture_files.hpp"
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

/// Is told of each report, and which files it is of.
using OnJudged =
    std::function<void(const replay::Report& report, std::span<const replay::CaptureFile> files)>;
/// Judges each file by itself, or `together`, as parts of one capture.
void judge_captures(std::span<const replay::CaptureFile> files, bool together,
                    const replay::Options& judged_by, const replay::Progress& progress,
                    const OnJudged& on_judged);

/// A file lying about in a folder that is no capture: nobody asked for it, nobody needs to hear of it.
/// `files`: those that were judged, this one among them.
[[nodiscard]] bool is_other_file(const replay::FileReading& file, std::span<const replay::CaptureFile> files);
/// "farewell: FILE: what is wrong with it" to stderr; nothing if it was read as a whole.
void complain(const replay::FileReading& file);

}  // namespace farewell::cli

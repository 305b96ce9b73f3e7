// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell replay`: judge capture files.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/document_text.hpp"
#include "cli/judgement_options.hpp"
#include "cli/progress_bar.hpp"
#include "cli/replay_report.hpp"
#include "replay/capture_files.hpp"
#include "replay/replay.hpp"

namespace farewell::cli {
namespace {

using replay::CaptureFile;
using replay::FileReport;
using report::ExitStatus;

struct ReplayOptions {
    std::vector<std::string> paths;
    JudgementOptions judgement;
    bool together = false;
    bool near_misses = false;
};

/// Prints as it goes and keeps the sums.
class Printer {
 public:
    Printer(bool as_json, bool quiet, ProgressBar& bar) : as_json_(as_json), quiet_(quiet), bar_(bar) {}

    void print(const replay::Report& report, std::span<const CaptureFile> group) {
        summary_.forgone += report.forgone;
        for (const FileReport& file : report.files) {
            if (is_other_file(file, group)) {
                ++summary_.other_files;
            } else {
                print_file(file, report.began);
            }
        }
    }
    ExitStatus finish() {
        bar_.clear();
        if (as_json_) {
            fmt::print("{}", json_line(summary_document(summary_)));
        } else if (!quiet_) {
            fmt::print("{}", summary_screen(summary_));
        }
        return summary_.judged() > 0 ? ExitStatus::ok : ExitStatus::failure;
    }

 private:
    void print_file(const FileReport& file, core::Time began) {
        summary_.add(file);
        const std::string text = as_json_ ? json_line(replay_document(file, began))
                                 : quiet_ ? ""
                                          : replay_screen(file, began);
        if (!text.empty() || file.reading != replay::Reading::whole) {
            bar_.clear();
        }
        complain(file);
        fmt::print("{}", text);
    }

    bool as_json_;
    bool quiet_;
    ProgressBar& bar_;
    ReplaySummary summary_;
};

ExitStatus run_replay(const ReplayOptions& options, const Session& session) {
    auto judged_by = read_judgement(options.judgement);
    if (!judged_by) {
        return ExitStatus::configuration;
    }
    if (options.near_misses) {
        judged_by->near_misses_from = (judged_by->limits.threshold + 1) / 2;
    }
    const std::vector<CaptureFile> files = replay::capture_files(options.paths);
    ProgressBar bar(replay::bytes_to_read(files), ProgressBar::Unit::bytes, !session.quiet);
    Printer printer(session.as_json, session.quiet, bar);
    const replay::Progress progress = [&bar](std::uint64_t bytes) { bar.add(bytes); };
    judge_captures(files, options.together, *judged_by, progress,
                   [&printer](const replay::Report& report, std::span<const CaptureFile> group) {
                       printer.print(report, group);
                   });
    return printer.finish();
}

}  // namespace

void add_replay_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("replay", "judge capture files: who would have been banned");
    const auto options = std::make_shared<ReplayOptions>();
    command->add_option("path", options->paths, "capture files, and folders to search for them")
        ->type_name("FILE")
        ->required();
    add_judgement_options(*command, options->judgement);
    command->add_flag("--together", options->together, "the files are parts of one capture");
    command->add_flag("--near-misses", options->near_misses,
                      "also sources that tried half the ports it takes");
    session.on(*command, [&session, options] { return run_replay(*options, session); });
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell tune`: which threshold and window bans whom, over captures.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/document_text.hpp"
#include "cli/judgement_options.hpp"
#include "cli/progress_bar.hpp"
#include "core/limits.hpp"
#include "replay/capture_files.hpp"
#include "replay/sweep.hpp"
#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using replay::CaptureFile;
using replay::Content;
using replay::PairResult;
using report::ExitStatus;

/// Each pair has an engine with a memory budget of its own.
constexpr std::size_t kPairsMax = 64;

struct TuneOptions {
    std::vector<std::string> paths;
    std::vector<std::string> benign;
    std::vector<std::string> scans;
    std::vector<std::string> scanners;
    std::vector<std::uint32_t> thresholds{3, 5, 7, 10, 15, 20};
    std::vector<std::string> windows{"2s", "1m", "10m", "1h", "1d"};
    JudgementOptions judgement;
};

struct FileCounts {
    std::uint64_t judged = 0;
    std::uint64_t not_judged = 0;
    std::uint64_t other = 0;
};

/// The operator's lists, checked by the command line, as the sweep wants them.
replay::SweepOptions sweep_options(const TuneOptions& options, replay::Options judged_by) {
    replay::SweepOptions sweep{
        .judged_by = std::move(judged_by), .thresholds = options.thresholds, .windows = {}, .scanners = {}};
    for (const std::string& window : options.windows) {
        if (const auto duration = report::parse_duration(window)) {
            sweep.windows.push_back(*duration);
        }
    }
    for (const std::string& scanner : options.scanners) {
        if (const auto address = report::parse_address(scanner)) {
            sweep.scanners.push_back(*address);
        }
    }
    return sweep;
}

json tune_document(const std::vector<PairResult>& results, const FileCounts& files) {
    json document{
        {"schema", "farewell/tune/v1"},
        {"files", {{"judged", files.judged}, {"not_judged", files.not_judged}, {"other", files.other}}},
        {"pairs", json::array()}};
    for (const PairResult& result : results) {
        document["pairs"].push_back({{"threshold", result.threshold},
                                     {"window_seconds", std::chrono::duration<double>(result.window).count()},
                                     {"banned", result.banned},
                                     {"likely_false", result.likely_false},
                                     {"missed", result.missed}});
    }
    return document;
}

/// Without a word about who is who, only the bans mean something.
std::string tune_screen(const std::vector<PairResult>& results, const FileCounts& files,
                        bool knows_contents) {
    const auto line = [knows_contents](const auto& threshold, const auto& window, const auto& banned,
                                       const auto& likely_false, const auto& missed) {
        std::string text = fmt::format("{:>9} {:>8} {:>8}", threshold, window, banned);
        if (knows_contents) {
            text += fmt::format(" {:>13} {:>8}", likely_false, missed);
        }
        return text + "\n";
    };
    std::string text = line("THRESHOLD", "WINDOW", "BANNED", "LIKELY FALSE", "MISSED");
    for (const PairResult& result : results) {
        text += line(result.threshold, report::to_text(result.window), result.banned, result.likely_false,
                     result.missed);
    }
    return text + fmt::format("{} files judged, {} not, {} no captures\n", files.judged, files.not_judged,
                              files.other);
}

std::string check_window(const std::string& text) {
    const auto window = report::parse_duration(text);
    return window && *window > std::chrono::nanoseconds::zero()
               ? std::string()
               : fmt::format("`{}` is not a duration such as 2s, 10m or 1d", text);
}

std::string check_address(const std::string& text) {
    return report::parse_address(text) ? std::string()
                                       : fmt::format("`{}` is not an IPv4 or IPv6 address", text);
}

ExitStatus run_tune(const TuneOptions& options, const Session& session) {
    if (options.paths.empty() && options.benign.empty() && options.scans.empty()) {
        return session.fail(ExitStatus::usage, "tune takes captures: PATH…, --benign PATH…, --scans PATH…");
    }
    if (options.thresholds.size() * options.windows.size() > kPairsMax) {
        return session.fail(ExitStatus::usage,
                            fmt::format("tune takes at most {} pairs of threshold and window", kPairsMax));
    }
    auto judged_by = read_judgement(options.judgement);
    if (!judged_by) {
        return ExitStatus::configuration;
    }
    const std::pair<Content, std::vector<CaptureFile>> groups[] = {
        {Content::unknown, replay::capture_files(options.paths)},
        {Content::benign, replay::capture_files(options.benign)},
        {Content::scan, replay::capture_files(options.scans)},
    };
    std::uint64_t bytes = 0;
    for (const auto& [content, files] : groups) {
        bytes += replay::bytes_to_read(files);
    }
    ProgressBar bar(bytes, ProgressBar::Unit::bytes, !session.quiet);
    replay::Sweep sweep(sweep_options(options, std::move(*judged_by)));
    FileCounts counts;
    for (const auto& [content, files] : groups) {
        for (const CaptureFile& file : files) {
            const auto reading = sweep.add(file.path, content, [&bar](std::uint64_t more) { bar.add(more); });
            if (is_other_file(reading, std::span(&file, 1))) {
                ++counts.other;
                continue;
            }
            ++(reading.has_packets() ? counts.judged : counts.not_judged);
            if (reading.reading != replay::Reading::whole) {
                bar.clear();
            }
            complain(reading);
        }
    }
    bar.clear();
    const bool knows_contents =
        !options.benign.empty() || !options.scans.empty() || !options.scanners.empty();
    if (session.as_json) {
        fmt::print("{}", json_line(tune_document(sweep.results(), counts)));
    } else if (!session.quiet) {
        fmt::print("{}", tune_screen(sweep.results(), counts, knows_contents));
    }
    return counts.judged > 0 ? ExitStatus::ok : ExitStatus::failure;
}

}  // namespace

void add_tune_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("tune", "try thresholds and windows on capture files");
    const auto options = std::make_shared<TuneOptions>();
    command->add_option("path", options->paths, "captures whose contents are not known: files and folders")
        ->type_name("FILE");
    command->add_option("--benign", options->benign, "captures without scanners: every ban there is false")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command->add_option("--scans", options->scans, "captures of scans: none without a ban, or it is missed")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command
        ->add_option("--scanner", options->scanners,
                     "a known scanner, in any capture; whoever else is banned is not")
        ->allow_extra_args(false)
        ->check(check_address);
    command->add_option("--thresholds", options->thresholds, "thresholds to try")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Range(core::Limits::kThresholdMin, core::Limits::kThresholdMax))
        ->capture_default_str();
    command->add_option("--windows", options->windows, "windows to try")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(check_window)
        ->capture_default_str();
    add_judgement_options(*command, options->judgement);
    session.on(*command, [&session, options] { return run_tune(*options, session); });
}

}  // namespace farewell::cli

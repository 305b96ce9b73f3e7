// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell report`: one page of HTML that tells who scanned, of captures or of the daemon's history.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <expected>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/file_output.hpp"
#include "cli/judgement_options.hpp"
#include "cli/report_sources.hpp"
#include "page/document.hpp"
#include "page/render.hpp"
#include "page/text.hpp"
#include "report/quantity_text.hpp"
#include "report/version.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using report::ExitStatus;

struct ReportOptions {
    std::vector<std::string> paths;
    std::string output;
    std::string since;
    JudgementOptions judgement;
    bool together = false;
};

constexpr const char* kSince = "24h";  // unless told otherwise

/// By how much this machine's clocks on the wall are ahead of UTC at a time.
std::chrono::minutes utc_offset_at(page::WallTime time) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return std::chrono::duration_cast<std::chrono::minutes>(std::chrono::seconds(parts.tm_gmtoff));
}

json number_or_null(const std::optional<std::uint64_t>& number) {
    return number ? json(*number) : json();
}

json time_or_null(const std::optional<page::WallTime>& time) {
    return time ? json(page::machine_stamp(*time)) : json();
}

json summary(const page::Document& document, const std::string& file, std::size_t bytes) {
    return {{"schema", "farewell/report/v1"},
            {"file", file},
            {"bytes", bytes},
            {"from", document.origin == page::Origin::history ? "history" : "captures"},
            {"begin", time_or_null(document.begin)},
            {"end", time_or_null(document.end)},
            {"captures", document.inputs_total},
            {"sources_banned", document.sources_banned},
            {"bans", document.bans},
            {"soft_bans", document.soft_bans},
            {"probes", number_or_null(document.probes)},
            {"kept_out", number_or_null(document.kept_out)},
            {"dots", document.points.size()},
            {"dots_total", document.points_total}};
}

std::string line_about(const page::Document& document, const std::string& file, std::size_t bytes) {
    std::string text = fmt::format("{}: {}, ", file,
                                   page::counted(document.sources_banned, "source banned", "sources banned"));
    if (document.probes) {
        text += page::counted(*document.probes, "probe", "probes") + ", ";
    }
    return text + report::size_to_text(bytes) + "\n";
}

/// The document of one kind or the other; otherwise the exit status, and stderr has been told.
std::expected<page::Document, ExitStatus> gather(const ReportOptions& options, const Session& session) {
    page::Document document;
    document.made = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    document.version = report::kVersion;
    if (!options.paths.empty()) {
        document.origin = page::Origin::captures;
        const auto judged_by = read_judgement(options.judgement);
        if (!judged_by) {
            return std::unexpected(ExitStatus::configuration);
        }
        tell_captures({.paths = options.paths, .together = options.together, .quiet = session.quiet},
                      *judged_by, document);
        if (document.inputs_total == 0) {
            return std::unexpected(session.fail(ExitStatus::failure, "no capture could be judged"));
        }
    } else {
        document.origin = page::Origin::history;
        const std::string since = options.since.empty() ? kSince : options.since;
        const auto length = report::parse_duration(since);  // checked by the command line
        if (const auto told =
                tell_history(session.daemon(), since, length.value_or(std::chrono::hours(24)), document);
            !told) {
            return std::unexpected(session.fail(told.error()));
        }
    }
    document.utc_offset = utc_offset_at(document.begin.value_or(document.made));
    return document;
}

ExitStatus run_report(const ReportOptions& options, const Session& session) {
    if (options.output.empty()) {
        return session.fail(ExitStatus::usage,
                            "where to? -o FILE.html writes a file, -o - to standard output");
    }
    if (!options.paths.empty() && !options.since.empty()) {
        return session.fail(ExitStatus::usage,
                            "captures, or the daemon's history with --since: one of the two");
    }
    if (options.output == "-" && session.as_json) {
        return session.fail(ExitStatus::usage, "-o - and --json both want standard output");
    }
    if (session.dry_run) {
        return session.would(fmt::format("write the report to {}", options.output));
    }
    const auto document = gather(options, session);
    if (!document) {
        return document.error();
    }
    const std::string page = page::render(*document);
    if (const auto written = write_file(options.output, page); !written) {
        return session.fail(ExitStatus::failure, written.error());
    }
    if (options.output != "-") {
        session.say(summary(*document, options.output, page.size()),
                    line_about(*document, options.output, page.size()));
    }
    return ExitStatus::ok;
}

}  // namespace

void add_report_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("report", "a page of HTML: who scanned what and when, by captures or the history");
    const auto options = std::make_shared<ReportOptions>();
    command->add_option("path", options->paths,
                        "capture files, and folders to search for them; without: the daemon's history");
    command->add_option("-o,--output", options->output, "the file to write; - is standard output")
        ->option_text("FILE");
    command
        ->add_option("--since", options->since,
                     fmt::format("of the history, the last 1h, 7d, … (default: {})", kSince))
        ->check([](const std::string& text) {
            return report::parse_duration(text)
                       ? std::string()
                       : fmt::format("`{}` is not a duration such as 24h or 7d", text);
        });
    add_judgement_options(*command, options->judgement);
    command->add_flag("--together", options->together, "the files are parts of one capture");
    session.on(*command, [&session, options] { return run_report(*options, session); });
}

}  // namespace farewell::cli

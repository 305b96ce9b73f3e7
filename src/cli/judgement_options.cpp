// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/judgement_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <random>

#include "cli/open_port.hpp"
#include "report/printable.hpp"

namespace farewell::cli {

void add_judgement_options(CLI::App& command, JudgementOptions& options) {
    add_config_options(command, options.config);
    command
        .add_option("--open", options.open,
                    "[PROTOCOL/][HOST:]PORT that the firewall lets in; may be repeated")
        ->allow_extra_args(false)
        ->check([](const std::string& text) {
            return parse_open_port(text) ? std::string()
                                         : fmt::format(
                                               "`{}` is not [PROTOCOL/][HOST:]PORT, such as 443, "
                                               "udp/53, 192.0.2.1:80 or tcp/[2001:db8::1]:443",
                                               text);
        });
    command.add_flag("--dropped", options.all_dropped,
                     "the captures hold only what a firewall dropped: judge every packet");
}

std::optional<replay::Options> read_judgement(const JudgementOptions& options) {
    const auto config = load_config(options.config);
    if (!config) {
        return std::nullopt;
    }
    replay::Options result{.limits = config->limits,
                           .allowlist = config->allowed_networks,
                           .open = {},
                           .all_dropped = options.all_dropped,
                           .near_misses_from = std::nullopt};
    result.limits.bans_per_minute = 0;  // the question is whom the rules would ban
    std::random_device random;
    result.limits.hash_key = std::uint64_t{random()} << 32U | random();
    result.limits.evidence_ports_max =
        std::max<std::size_t>(result.limits.evidence_ports_max, result.limits.threshold);
    for (const std::string& text : options.open) {
        if (const auto port = parse_open_port(text)) {  // checked by the command line
            result.open.push_back(*port);
        }
    }
    return result;
}

void judge_captures(std::span<const replay::CaptureFile> files, bool together,
                    const replay::Options& judged_by, const replay::Progress& progress,
                    const OnJudged& on_judged) {
    const std::size_t at_once = together ? files.size() : 1;
    for (std::size_t first = 0; first < files.size(); first += at_once) {
        const auto group = files.subspan(first, at_once);
        std::vector<std::filesystem::path> paths;
        for (const replay::CaptureFile& file : group) {
            paths.push_back(file.path);
        }
        on_judged(replay::replay(paths, judged_by, progress), group);
    }
}

bool is_other_file(const replay::FileReading& file, std::span<const replay::CaptureFile> files) {
    const bool is_named = std::ranges::any_of(files, [&file](const replay::CaptureFile& judged) {
        return judged.named && judged.path == file.file;
    });
    return !is_named && file.problem && file.problem->failure == source::CaptureFailure::not_a_capture;
}

void complain(const replay::FileReading& file) {
    const std::string name = report::printable(file.file.string());
    if (file.reading == replay::Reading::unsupported_link) {
        fmt::print(stderr, "farewell: {}: unsupported link type {}\n", name, file.link);
    } else if (file.problem) {
        fmt::print(stderr, "farewell: {}: {}{}\n", name, report::printable(file.problem->message),
                   file.reading == replay::Reading::partly ? "; judged up to there" : "");
    }
}

}  // namespace farewell::cli

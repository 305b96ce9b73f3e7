// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <string_view>
#include <vector>

#include "cli/replay_report.hpp"
#include "report/address_text.hpp"
#include "report/printable.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

constexpr std::size_t kPortsShown = 16;

std::string local_time(core::Time time) {
    return report::to_text(std::chrono::system_clock::time_point(time.time_since_epoch()));
}

/// "10 syn, 2 udp"
std::string kinds_of(const std::vector<core::TriedPort>& tried) {
    std::map<std::string_view, std::size_t> kinds;
    for (const core::TriedPort& port : tried) {
        ++kinds[port.rule ? core::name_of(*port.rule) : "port"];
    }
    std::string text;
    for (const auto& [kind, count] : kinds) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kind);
    }
    return text;
}

std::string port_line(const std::vector<core::TriedPort>& tried) {
    std::string text = "     ";
    for (std::size_t i = 0; i < std::min(tried.size(), kPortsShown); ++i) {
        text += " " + report::to_text(tried[i].port);
    }
    if (tried.size() > kPortsShown) {
        text += fmt::format(" … {} more", tried.size() - kPortsShown);
    }
    return text + "\n";
}

std::string probes_text(const std::optional<std::uint64_t>& probes) {
    return probes ? fmt::format("{} probes", *probes) : "an unknown number of probes";
}

std::string tools_text(const core::Evidence& evidence) {
    std::string text;
    for (const std::string_view tool : core::names_of(evidence.tools)) {
        text += fmt::format("{}{}", text.empty() ? ", looks like " : ", ", tool);
    }
    return text;
}

std::string ban_lines(const replay::BannedSource& ban, core::Time began) {
    const core::Evidence& evidence = ban.evidence;
    const bool is_sweep = evidence.criterion == core::Criterion::sweep;
    return fmt::format(
               "  {}  banned{} at {} (+{:.6f}s), {}: {} of {} distinct {} ({}{}) within {}; then {} packets "
               "kept out\n",
               report::to_text(ban.source), ban.soft ? " softly" : "", local_time(ban.at),
               std::chrono::duration<double>(ban.at - began).count(), core::name_of(evidence.criterion),
               probes_text(ban.probes), evidence.distinct, is_sweep ? "hosts" : "ports",
               kinds_of(evidence.ports), tools_text(evidence) + (evidence.is_proven ? ", not forged" : ""),
               report::to_text(ban.at - ban.first_probe), ban.kept_out) +
           port_line(evidence.ports);
}

std::string near_miss_lines(const replay::NearMiss& miss) {
    const std::vector<core::TriedPort>& tried = miss.evidence.ports;
    return fmt::format("  {}  not banned: {} of {} distinct ports ({}), {:g} points\n",
                       report::to_text(miss.source), probes_text(miss.probes), tried.size(), kinds_of(tried),
                       core::points(miss.evidence.weight)) +
           port_line(tried);
}

/// ": 3 truncated, 1 not_ip" of what is not zero; empty if all are.
template <typename Enum, std::size_t kSize>
std::string by_name(const std::array<std::uint64_t, kSize>& counts) {
    std::string text;
    for (std::size_t i = 0; i < kSize; ++i) {
        if (counts[i] > 0) {
            text +=
                fmt::format("{} {} {}", text.empty() ? ":" : ",", counts[i], name_of(static_cast<Enum>(i)));
        }
    }
    return text;
}

template <std::size_t kSize>
std::uint64_t sum(const std::array<std::uint64_t, kSize>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t count_of(const ReplaySummary& summary, replay::Reading reading) {
    return summary.files[static_cast<std::size_t>(reading)];
}

std::string files_line(const ReplaySummary& summary) {
    using replay::Reading;
    std::string text = fmt::format("  files        {} judged", summary.judged());
    const auto add = [&text](std::uint64_t count, std::string_view what) {
        if (count > 0) {
            text += fmt::format(", {} {}", count, what);
        }
    };
    add(count_of(summary, Reading::partly), "of them only up to a damage");
    add(count_of(summary, Reading::unsupported_link), "of unsupported link types");
    add(count_of(summary, Reading::failed), "unreadable");
    add(summary.other_files, "no captures");
    return text + "\n";
}

}  // namespace

void ReplaySummary::add(const replay::FileReport& report) {
    ++files[static_cast<std::size_t>(report.reading)];
    files_with_bans += report.bans.empty() ? 0U : 1U;
    frames += report.frames;
    counts += report.counts;
}

std::uint64_t ReplaySummary::judged() const {
    return count_of(*this, replay::Reading::whole) + count_of(*this, replay::Reading::partly);
}

std::string replay_screen(const replay::FileReport& report, core::Time began) {
    if (report.bans.empty() && report.near_misses.empty()) {
        return {};
    }
    std::string text = report::printable(report.file.string()) + "\n";
    for (const replay::BannedSource& ban : report.bans) {
        text += ban_lines(ban, began);
    }
    if (report.counts.bans > report.bans.size()) {
        text += fmt::format("  … and {} more bans\n", report.counts.bans - report.bans.size());
    }
    for (const replay::NearMiss& miss : report.near_misses) {
        text += near_miss_lines(miss);
    }
    return text;
}

std::string summary_screen(const ReplaySummary& summary) {
    const replay::Counts& counts = summary.counts;
    const replay::FrameCounts& frames = summary.frames;
    std::string text = fmt::format("{} {} in {} {}\n", counts.bans, counts.bans == 1 ? "ban" : "bans",
                                   summary.files_with_bans, summary.files_with_bans == 1 ? "file" : "files");
    text += files_line(summary);
    text += fmt::format("  packets      {}: {} for the firewall{}\n", frames.frames, sum(counts.fates),
                        by_name<replay::Fate>(counts.fates));
    text +=
        fmt::format("  not judged   {} without IP, {} cut short, {} not decoded{}\n", frames.not_ip,
                    frames.cut_short, sum(frames.undecoded), by_name<core::DecodeError>(frames.undecoded));
    text += fmt::format("  dropped      {}{}\n", sum(counts.rules), by_name<core::Rule>(counts.rules));
    text += fmt::format("  probes       {} of {} sources; {} packets of banned sources kept out\n",
                        counts.probes, counts.sources, counts.kept_out);
    if (frames.clock_stepped_back > 0) {
        text += fmt::format("  clock        stepped back {} times; taken as standing still\n",
                            frames.clock_stepped_back);
    }
    if (summary.forgone > 0) {
        text += fmt::format(
            "  ! more conversations than replay remembers: {} packets passed as `unknown`, unjudged\n",
            counts.fates[static_cast<std::size_t>(replay::Fate::unknown)]);
    }
    return text;
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/sweep.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/classify.hpp"
#include "replay/firewall.hpp"
#include "replay/judge.hpp"

namespace farewell::replay {
namespace {

using Sources = std::set<core::Address>;

/// One pair at work on one file.
struct Court {
    Judge judge;
    Sources banned;
};

std::vector<Court> courts_for(const SweepOptions& options, const std::vector<PairResult>& pairs) {
    std::vector<Court> courts;
    courts.reserve(pairs.size());
    for (const PairResult& pair : pairs) {
        core::Limits limits = options.judged_by.limits;
        limits.threshold = pair.threshold;
        limits.window = pair.window;
        courts.push_back({.judge = Judge(limits, options.judged_by.allowlist), .banned = {}});
    }
    return courts;
}

void judge(std::vector<Court>& courts, const core::Probe& probe, core::Time now) {
    for (Court& court : courts) {
        court.judge.on_time(now);
        if (court.judge.keeps_out(probe.source, now)) {
            continue;
        }
        if (const auto sentence = court.judge.on_probe(probe, now)) {
            court.banned.insert(sentence->ban.source.address);
        }
    }
}

}  // namespace

Sweep::Sweep(SweepOptions options) : options_(std::move(options)) {
    for (const std::uint32_t threshold : options_.thresholds) {
        for (const std::chrono::nanoseconds window : options_.windows) {
            results_.push_back({.threshold = threshold, .window = window});
        }
    }
}

FileReading Sweep::add(const std::filesystem::path& file, Content content, const Progress& progress) {
    Firewall firewall(options_.judged_by.open, options_.judged_by.all_dropped,
                      options_.judged_by.limits.hash_key);
    FileReading reading =
        read_packets(file, progress, [&firewall](const SeenPacket& seen) { firewall.learn(seen.packet); });
    if (!reading.has_packets()) {
        return reading;
    }
    std::vector<Court> courts;  // none before the first probe: most files have none
    Sources scanners_seen;
    const auto is_scanner = [this](const core::Address& source) {
        return std::ranges::find(options_.scanners, source) != options_.scanners.end();
    };
    static_cast<void>(read_packets(file, progress, [&](const SeenPacket& seen) {
        if (firewall.fate_of(seen.packet) != Fate::dropped) {
            return;
        }
        const core::Rule rule = rule_of(seen);
        if (!core::is_counted(rule)) {
            return;
        }
        const core::Probe probe = probe_of(seen, rule);
        if (courts.empty()) {
            courts = courts_for(options_, results_);
        }
        if (is_scanner(probe.source)) {
            scanners_seen.insert(probe.source);
        }
        judge(courts, probe, seen.at);
    }));
    const bool knows_scanners = !options_.scanners.empty();
    for (std::size_t i = 0; i < results_.size(); ++i) {
        const Sources banned = courts.empty() ? Sources() : std::move(courts[i].banned);
        const auto rightly = static_cast<std::size_t>(std::ranges::count_if(banned, is_scanner));
        PairResult& result = results_[i];
        result.banned += banned.size();
        if (content == Content::benign) {
            result.likely_false += banned.size();
        } else if (knows_scanners) {
            result.likely_false += banned.size() - rightly;
            result.missed += scanners_seen.size() - rightly;
        } else if (content == Content::scan && banned.empty()) {
            ++result.missed;
        }
    }
    return reading;
}

}  // namespace farewell::replay

// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/replay.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

#include "replay/judge.hpp"

namespace farewell::replay {
namespace {

namespace fs = std::filesystem;

/// What is known of a source that has sent probes.
struct SourceNote {
    std::uint64_t probes = 0;
    core::Time first_probe;
    core::Address last_host;  // that it probed
};

/// One group of files on its way to a report.
class Run {
 public:
    Run(const Options& options, const Progress& progress)
        : options_(options),
          progress_(progress),
          firewall_(options.open, options.all_dropped, options.limits.hash_key),
          judge_(options.limits, options.allowlist),
          notes_(0, core::KeyedHash{.key = options.limits.hash_key}),
          proven_(0, core::KeyedHash{.key = options.limits.hash_key}) {}

    Report judge(const std::vector<fs::path>& paths);

 private:
    using Ban = std::pair<std::size_t, std::size_t>;  // file, index in its bans

    void judge_packet(const SeenPacket& seen, FileReport& report);
    void on_probe(const core::Probe& probe, FileReport& report);
    void count_kept_out(const core::Address& source);
    void watch_kept_out(const SeenPacket& seen);
    [[nodiscard]] std::vector<NearMiss> near_misses(std::size_t least_ports) const;

    const Options& options_;
    const Progress& progress_;
    Firewall firewall_;
    Judge judge_;
    core::Time now_;
    boost::unordered_flat_map<core::Address, SourceNote, core::KeyedHash> notes_;
    boost::unordered_flat_map<core::Prefix, Ban, core::KeyedHash> bans_;  // the last of each source
    boost::unordered_flat_set<core::Address, core::KeyedHash> proven_;    // handshakes were completed
    std::size_t bans_told_ = 0;
    Report report_;
};

Report Run::judge(const std::vector<fs::path>& paths) {
    for (const fs::path& path : paths) {
        const auto learn = [this](const SeenPacket& seen) { firewall_.learn(seen.packet); };
        report_.files.push_back({read_packets(path, progress_, learn), {}, {}, {}});
    }
    // What has no frames goes last; it has nothing to say about time.
    const auto by_time = [](const FileReport& one) {
        return std::tuple(!one.first_frame, one.first_frame, one.file);
    };
    std::ranges::sort(report_.files, {}, by_time);
    if (!report_.files.empty()) {
        report_.began = report_.files.front().first_frame.value_or(core::Time());
    }
    for (FileReport& file : report_.files) {
        if (file.has_packets()) {
            // The first pass has told how the reading went.
            static_cast<void>(read_packets(
                file.file, progress_, [this, &file](const SeenPacket& seen) { judge_packet(seen, file); }));
        }
    }
    if (options_.near_misses_from && !report_.files.empty()) {
        report_.files.back().near_misses = near_misses(*options_.near_misses_from);
    }
    report_.forgone = firewall_.conversations().forgone();
    return std::move(report_);
}

void Run::judge_packet(const SeenPacket& seen, FileReport& report) {
    now_ = std::max(now_, seen.at);
    judge_.on_time(now_);
    if (judge_.keeps_out(seen.packet.source, now_)) {
        ++report.counts.kept_out;
        count_kept_out(seen.packet.source);
        if (options_.watch) {
            watch_kept_out(seen);
        }
        return;
    }
    const Fate fate = firewall_.fate_of(seen.packet);
    ++report.counts.fates[static_cast<std::size_t>(fate)];
    if (proves_destination(seen.packet, fate) && proven_.size() < options_.sources_counted_max) {
        proven_.insert(seen.packet.destination);
    }
    if (fate != Fate::dropped) {
        return;
    }
    const core::Rule rule = rule_of(seen);
    ++report.counts.rules[static_cast<std::size_t>(rule)];
    if (core::is_counted(rule)) {
        core::Probe probe = probe_of(seen, rule);
        probe.is_proven = proven_.contains(probe.source);
        on_probe(probe, report);
    }
}

void Run::on_probe(const core::Probe& probe, FileReport& report) {
    ++report.counts.probes;
    if (options_.watch) {
        options_.watch(probe, now_, /*kept_out=*/false);
    }
    auto note = notes_.find(probe.source);
    if (note == notes_.end() && notes_.size() < options_.sources_counted_max) {
        note = notes_.emplace(probe.source, SourceNote()).first;
        ++report.counts.sources;
    }
    if (note != notes_.end()) {
        note->second.last_host = probe.destination;
        if (++note->second.probes == 1) {
            note->second.first_probe = now_;
        }
    }
    auto sentence = judge_.on_probe(probe, now_);
    if (!sentence) {
        return;
    }
    ++report.counts.bans;
    const std::vector<core::TriedPort>& ports = sentence->evidence.ports;
    BannedSource ban{.source = sentence->ban.source,
                     .at = now_,
                     .until = sentence->ban.until,
                     .first_probe = ports.empty() ? now_ : ports.front().seen,
                     .probes = std::nullopt,
                     .kept_out = 0,
                     .soft = sentence->ban.soft,
                     .evidence = std::move(sentence->evidence)};
    if (note != notes_.end()) {
        ban.first_probe = note->second.first_probe;
        ban.probes = note->second.probes;
        note->second = {};  // after its ban the source starts from nothing
    }
    if (bans_told_ >= options_.bans_told_max) {
        bans_.erase(ban.source);  // what is kept out from now on is not its earlier ban's doing
        return;
    }
    ++bans_told_;
    bans_[ban.source] = {static_cast<std::size_t>(&report - report_.files.data()), report.bans.size()};
    report.bans.push_back(std::move(ban));
}

void Run::count_kept_out(const core::Address& source) {
    const auto prefix = judge_.ban_around(source, now_);
    if (const auto ban = prefix ? bans_.find(*prefix) : bans_.end(); ban != bans_.end()) {
        ++report_.files[ban->second.first].bans[ban->second.second].kept_out;
    }
}

void Run::watch_kept_out(const SeenPacket& seen) {
    const core::Rule rule = rule_of(seen);
    if (core::is_counted(rule)) {
        options_.watch(probe_of(seen, rule), now_, /*kept_out=*/true);
    }
}

std::vector<NearMiss> Run::near_misses(std::size_t least_ports) const {
    std::vector<NearMiss> misses;
    for (const auto& [source, note] : notes_) {
        core::Evidence evidence = judge_.known_of(source, note.last_host, now_);
        if (evidence.ports.size() >= least_ports) {
            misses.push_back({.source = source, .probes = note.probes, .evidence = std::move(evidence)});
        }
    }
    std::ranges::sort(misses, [](const NearMiss& one, const NearMiss& other) {
        return std::pair(other.evidence.ports.size(), one.source) <
               std::pair(one.evidence.ports.size(), other.source);
    });
    return misses;
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
    for (std::size_t i = 0; i < fates.size(); ++i) {
        fates[i] += other.fates[i];
    }
    for (std::size_t i = 0; i < rules.size(); ++i) {
        rules[i] += other.rules[i];
    }
    probes += other.probes;
    kept_out += other.kept_out;
    sources += other.sources;
    bans += other.bans;
    return *this;
}

Report replay(const std::vector<fs::path>& files, const Options& options, const Progress& progress) {
    return Run(options, progress).judge(files);
}

}  // namespace farewell::replay

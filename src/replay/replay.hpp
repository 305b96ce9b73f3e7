// SPDX-License-Identifier: GPL-2.0-or-later
// Captures judged: two passes over the files, the first to learn who answered, the second to let the core
// judge what a firewall would have dropped. Streams; memory does not grow with the files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/evidence.hpp"
#include "core/limits.hpp"
#include "core/time.hpp"
#include "replay/conversations.hpp"
#include "replay/file_reading.hpp"
#include "replay/firewall.hpp"

namespace farewell::replay {

/// Told of every probe, and of every packet that would have been one if a ban did not keep it out.
using Watch = std::function<void(const core::Probe& probe, core::Time at, bool kept_out)>;

struct Options {
    core::Limits limits;
    std::vector<core::Prefix> allowlist;
    std::vector<OpenPort> open;
    bool all_dropped = false;                     ///< the captures hold only what a firewall dropped
    std::optional<std::size_t> near_misses_from;  ///< distinct ports that make a source worth telling of
    /// Sources whose probes are counted; those beyond are judged all the same.
    std::size_t sources_counted_max = std::size_t{1} << 20U;
    /// Bans told with their evidence; those beyond are only counted.
    std::size_t bans_told_max = std::size_t{1} << 16U;
    Watch watch = {};  ///< may be empty
};

/// A source that would have been banned.
struct BannedSource {
    core::Prefix source;
    core::Time at;
    core::Time until;
    core::Time first_probe;
    std::optional<std::uint64_t> probes;  ///< up to the ban; nullopt beyond sources_counted_max
    std::uint64_t kept_out = 0;           ///< its packets during the ban
    bool soft = false;
    core::Evidence evidence;
};

/// A source that would not have been, but has tried some ports.
struct NearMiss {
    core::Address source;
    std::optional<std::uint64_t> probes;
    core::Evidence evidence;
};

struct Counts {
    std::array<std::uint64_t, kFates> fates{};        ///< of packets, by Fate
    std::array<std::uint64_t, core::kRules> rules{};  ///< dropped packets by the rule that decided
    std::uint64_t probes = 0;
    std::uint64_t kept_out = 0;  ///< packets of banned sources
    std::uint64_t sources = 0;   ///< that sent a probe
    std::uint64_t bans = 0;

    Counts& operator+=(const Counts& other);
};

/// Of one file: how it was read, and what was found in it.
struct FileReport : FileReading {
    Counts counts;
    std::vector<BannedSource> bans;  ///< in order of time; fewer than counts.bans beyond bans_told_max
    std::vector<NearMiss> near_misses;
};

struct Report {
    std::vector<FileReport> files;  ///< in the order they were judged: by their first frames
    core::Time began;               ///< the earliest frame; 1970 if there is none
    std::uint64_t forgone = 0;      ///< what Conversations could not remember; 0: every packet was judged
};

/// Judges the files as one capture: one clock, one engine. Near misses are told with the last file.
[[nodiscard]] Report replay(const std::vector<std::filesystem::path>& files, const Options& options,
                            const Progress& progress);

}  // namespace farewell::replay

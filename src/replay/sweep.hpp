// SPDX-License-Identifier: GPL-2.0-or-later
// The same captures judged by many thresholds and windows at once: how many bans each pair makes, how many of
// them are likely false, and what it misses. Two passes over each file, whatever the number of pairs; each
// pair has an engine with a memory budget of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/address.hpp"
#include "core/time.hpp"
#include "replay/file_reading.hpp"
#include "replay/replay.hpp"

namespace farewell::replay {

/// What the operator knows of a file.
enum class Content : std::uint8_t {
    unknown,
    benign,  ///< every ban in it is false
    scan,    ///< somebody in it ought to be banned
};

struct SweepOptions {
    Options judged_by;  ///< threshold and window are the sweep's
    std::vector<std::uint32_t> thresholds;
    std::vector<std::chrono::nanoseconds> windows;
    /// Sources known to be scanners, in any file: a ban of another is likely false, and one that sent probes
    /// without being banned was missed. Without any, a file of scans is missed if nobody in it is banned.
    std::vector<core::Address> scanners;
};

/// Sums over the files, each file being a world of its own: a source banned in two of them counts twice.
struct PairResult {
    std::uint32_t threshold = 0;
    std::chrono::nanoseconds window{};
    std::uint64_t banned = 0;  ///< sources
    std::uint64_t likely_false = 0;
    std::uint64_t missed = 0;  ///< known scanners, or files of scans without a ban
};

class Sweep {
 public:
    explicit Sweep(SweepOptions options);

    /// Judges one more file.
    FileReading add(const std::filesystem::path& file, Content content, const Progress& progress);
    /// Threshold by threshold, each with every window.
    [[nodiscard]] const std::vector<PairResult>& results() const { return results_; }

 private:
    SweepOptions options_;
    std::vector<PairResult> results_;
};

}  // namespace farewell::replay

// SPDX-License-Identifier: GPL-2.0-or-later
// What `farewell replay` found, as JSON documents for programs and as text for people. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "replay/replay.hpp"

namespace farewell::cli {

/// All files of one call together.
struct ReplaySummary {
    std::array<std::uint64_t, replay::kReadings> files{};  ///< by Reading
    std::uint64_t other_files = 0;                         ///< in folders, and no captures
    std::uint64_t files_with_bans = 0;
    std::uint64_t forgone = 0;
    replay::FrameCounts frames;
    replay::Counts counts;

    void add(const replay::FileReport& report);
    [[nodiscard]] std::uint64_t judged() const;
};

[[nodiscard]] nlohmann::json replay_document(const replay::FileReport& report, core::Time began);
[[nodiscard]] nlohmann::json summary_document(const ReplaySummary& summary);

/// Empty for a file in which nothing was found.
[[nodiscard]] std::string replay_screen(const replay::FileReport& report, core::Time began);
[[nodiscard]] std::string summary_screen(const ReplaySummary& summary);

}  // namespace farewell::cli

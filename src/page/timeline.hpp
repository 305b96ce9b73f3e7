// SPDX-License-Identifier: GPL-2.0-or-later
// Counts over time in cells that grow with the time they span, and the bans in force in each. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "page/document.hpp"

namespace farewell::page {

/// A time from which, and one up to which, a ban was in force.
struct InForce {
    WallTime from;
    WallTime to;
};

/// Takes counts in any order of time. Memory: kCellsMax cells.
class Histogram {
 public:
    static constexpr std::size_t kCellsMax = 2048;

    void add(WallTime at, bool kept_out);

    /// On one grid from `begin` to `end`, of kShownMax cells or fewer, each of a width that people like.
    [[nodiscard]] Timeline timeline(WallTime begin, WallTime end, std::span<const InForce> bans) const;
    static constexpr std::size_t kShownMax = 600;

 private:
    using Counts = std::array<std::uint64_t, 2>;  // probes, kept out

    [[nodiscard]] std::map<std::int64_t, Counts> in_cells_of(std::size_t step) const;

    std::size_t step_ = 0;  // index in the ladder of widths
    std::map<std::int64_t, Counts> cells_;
};

}  // namespace farewell::page

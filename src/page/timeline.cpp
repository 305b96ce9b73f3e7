// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/timeline.hpp"

#include <algorithm>
#include <utility>

namespace farewell::page {
namespace {

using std::chrono::milliseconds;

/// Widths of cells, each a multiple of the one before.
constexpr std::array<milliseconds, 12> kLadder{
    milliseconds(1),          milliseconds(10),          milliseconds(100),
    milliseconds(1000),       milliseconds(10'000),      milliseconds(60'000),
    milliseconds(600'000),    milliseconds(3'600'000),   milliseconds(21'600'000),
    milliseconds(86'400'000), milliseconds(864'000'000), milliseconds(8'640'000'000)};

std::int64_t cell_of(WallTime at, milliseconds width) {
    const auto since = at.time_since_epoch();
    const auto cell = since / width;
    return since < cell * width ? cell - 1 : cell;
}

/// The most bans in force at one moment of each cell.
std::vector<std::uint64_t> active_in(const Timeline& grid, std::size_t cells, std::span<const InForce> bans) {
    std::vector<std::pair<WallTime, int>> changes;
    for (const InForce& ban : bans) {
        if (ban.from < ban.to) {
            changes.emplace_back(ban.from, +1);
            changes.emplace_back(ban.to, -1);
        }
    }
    std::ranges::sort(changes);  // at one moment, what ends goes before what begins
    std::vector<std::uint64_t> active(cells);
    std::int64_t now = 0;
    auto change = changes.begin();
    for (std::size_t i = 0; i < cells; ++i) {
        const WallTime begin = grid.begin + grid.width * i;
        const WallTime end = begin + grid.width;
        for (; change != changes.end() && change->first <= begin; ++change) {
            now += change->second;
        }
        std::int64_t most = now;
        for (; change != changes.end() && change->first < end; ++change) {
            now += change->second;
            most = std::max(most, now);
        }
        active[i] = static_cast<std::uint64_t>(most);
    }
    return active;
}

}  // namespace

void Histogram::add(WallTime at, bool kept_out) {
    ++cells_[cell_of(at, kLadder.at(step_))][kept_out ? 1 : 0];
    while (cells_.size() > kCellsMax && step_ + 1 < kLadder.size()) {
        cells_ = in_cells_of(step_ + 1);
        ++step_;
    }
}

std::map<std::int64_t, Histogram::Counts> Histogram::in_cells_of(std::size_t step) const {
    std::map<std::int64_t, Counts> coarser;
    for (const auto& [cell, counts] : cells_) {
        const WallTime at{cell * kLadder.at(step_)};
        Counts& sum = coarser[cell_of(at, kLadder.at(step))];
        sum[0] += counts[0];
        sum[1] += counts[1];
    }
    return coarser;
}

Timeline Histogram::timeline(WallTime begin, WallTime end, std::span<const InForce> bans) const {
    const auto cells_at = [&](std::size_t step) {
        return cell_of(end, kLadder.at(step)) - cell_of(begin, kLadder.at(step)) + 1;
    };
    std::size_t step = step_;
    while (cells_at(step) > static_cast<std::int64_t>(kShownMax) && step + 1 < kLadder.size()) {
        ++step;
    }
    Timeline grid;
    grid.width = kLadder.at(step);
    const std::int64_t first = cell_of(begin, grid.width);
    grid.begin = WallTime(first * grid.width);
    const auto cells = static_cast<std::size_t>(
        std::clamp<std::int64_t>(cells_at(step), 1, static_cast<std::int64_t>(kShownMax)));
    grid.probes.resize(cells);
    grid.kept_out.resize(cells);
    for (const auto& [cell, counts] : in_cells_of(step)) {
        if (cell < first || cell - first >= static_cast<std::int64_t>(cells)) {
            continue;
        }
        const auto place = static_cast<std::size_t>(cell - first);
        grid.probes[place] += counts[0];
        grid.kept_out[place] += counts[1];
    }
    grid.active = active_in(grid, cells, bans);
    return grid;
}

}  // namespace farewell::page

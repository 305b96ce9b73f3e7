// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace farewell::page {
namespace {

using testing::ElementsAre;

WallTime at(std::int64_t milliseconds) {
    return WallTime(std::chrono::milliseconds(1'700'000'000'000 + milliseconds));
}

TEST(Histogram, CountsInCellsOfRoundWidth) {
    Histogram histogram;
    histogram.add(at(0), false);
    histogram.add(at(400), false);
    histogram.add(at(1'500), true);
    histogram.add(at(3'999), false);
    const Timeline grid = histogram.timeline(at(0), at(4'000), {});
    EXPECT_EQ(grid.width, std::chrono::milliseconds(10));
    EXPECT_EQ(grid.begin, at(0));
    ASSERT_EQ(grid.probes.size(), 401U);
    EXPECT_EQ(grid.probes[0], 1U);
    EXPECT_EQ(grid.probes[40], 1U);
    EXPECT_EQ(grid.kept_out[150], 1U);
    EXPECT_EQ(grid.probes[399], 1U);
}

TEST(Histogram, StaysSmallAndLosesNothingOverTwoYearsInAnyOrder) {
    constexpr std::int64_t kDay = 86'400'000;
    Histogram histogram;
    for (std::int64_t i = 0; i < 20'000; ++i) {
        histogram.add(at((i * 7919) % 730 * kDay + i), i % 2 == 0);
    }
    const Timeline grid = histogram.timeline(at(0), at(730 * kDay), {});
    EXPECT_LE(grid.probes.size(), Histogram::kShownMax);
    EXPECT_EQ(std::accumulate(grid.probes.begin(), grid.probes.end(), std::uint64_t{0}), 10'000U);
    EXPECT_EQ(std::accumulate(grid.kept_out.begin(), grid.kept_out.end(), std::uint64_t{0}), 10'000U);
}

TEST(Histogram, BansAreActiveFromTheirBeginToTheirEnd) {
    const std::vector<InForce> bans{{at(-500), at(2)}, {at(1), at(3)}, {at(3), at(4)}, {at(4), at(4)}};
    const Timeline grid = Histogram().timeline(at(0), at(5), bans);
    EXPECT_EQ(grid.width, std::chrono::milliseconds(1));
    EXPECT_THAT(grid.active, ElementsAre(1, 2, 1, 1, 0, 0));
}

TEST(Histogram, OneMomentIsOneCell) {
    Histogram histogram;
    histogram.add(at(7), false);
    EXPECT_THAT(histogram.timeline(at(7), at(7), {}).probes, ElementsAre(1));
}

}  // namespace
}  // namespace farewell::page

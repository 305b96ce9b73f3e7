// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/wait_counts.hpp"

#include <gtest/gtest.h>

namespace farewell::source {
namespace {

using namespace std::chrono_literals;

TEST(WaitCounts, StepsFollowOneAnotherAndAreAFifthApart) {
    for (std::size_t step = 0; step + 1 < WaitCounts::kSteps; ++step) {
        const auto end = WaitCounts::end_of(step);
        EXPECT_EQ(WaitCounts::step_of(end - 1ns), step);
        EXPECT_EQ(WaitCounts::step_of(end), step + 1);
        EXPECT_LE(WaitCounts::end_of(step + 1), end + end / 4);
    }
}

TEST(WaitCounts, WhatIsTooShortOrTooLongIsInTheFirstOrLast) {
    EXPECT_EQ(WaitCounts::step_of(-1ns), 0U);
    EXPECT_EQ(WaitCounts::step_of(0ns), 0U);
    EXPECT_EQ(WaitCounts::step_of(24h), WaitCounts::kSteps - 1);
    EXPECT_GT(WaitCounts::end_of(WaitCounts::kSteps - 1), 17s);
}

TEST(WaitCounts, AQuantileIsNoLessThanWhatItTellsAndAQuarterMoreAtMost) {
    WaitCounter counter;
    EXPECT_EQ(counter.counts().quantile(0.99), std::nullopt);
    counter.add(10us, 980);
    counter.add(300us, 19);
    counter.add(20ms, 1);
    const auto waits = counter.counts();
    const auto p50 = waits.quantile(0.5);
    EXPECT_GT(p50, 10us) << "none would be less";
    EXPECT_LE(p50, 12500ns);
    const auto p99 = waits.quantile(0.99);
    EXPECT_GT(p99, 300us);
    EXPECT_LE(p99, 375us);
    EXPECT_GT(waits.quantile(1), 20ms);
}

TEST(WaitCounts, AreAddedUpAndToldSinceSomeTime) {
    WaitCounter counter;
    counter.add(1ms, 1000);
    const WaitCounts before = counter.counts();
    counter.add(10us, 10);
    EXPECT_LT(counter.counts().since(before).quantile(0.99).value_or(1h), 20us);
    WaitCounts both = before;
    both += before;
    EXPECT_EQ(both[WaitCounts::step_of(1ms)], 2000U);
}

}  // namespace
}  // namespace farewell::source

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/poll_allowance.hpp"

#include <gtest/gtest.h>

namespace farewell::daemon {
namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds all_granted(PollAllowance& allowance, core::Time now) {
    std::chrono::nanoseconds sum{};
    while (const auto grant = allowance.take(now).count()) {
        sum += std::chrono::microseconds(grant);
    }
    return sum;
}

TEST(PollAllowance, AFewScansAtOnceAreGrantedAtTheStart) {
    PollAllowance allowance;
    const auto granted = all_granted(allowance, core::Time(1h));
    EXPECT_LE(granted, PollAllowance::kMax);
    EXPECT_GT(granted, PollAllowance::kMax - PollAllowance::kGrant);
}

TEST(PollAllowance, WhoeverForgesBeginningsOfScansGetsAFiftiethOfAProcessor) {
    PollAllowance allowance;
    core::Time now(1h);
    all_granted(allowance, now);
    std::chrono::nanoseconds granted{};
    for (int step = 0; step < 100'000; ++step) {
        now += 100us;
        granted += allowance.take(now);
    }
    EXPECT_NEAR(std::chrono::duration<double>(granted).count(), 10.0 / PollAllowance::kShare, 0.001);
}

TEST(PollAllowance, NoMoreIsSavedUpThanForAFewScans) {
    PollAllowance allowance;
    all_granted(allowance, core::Time(1h));
    EXPECT_LE(all_granted(allowance, core::Time(24h)), PollAllowance::kMax);
}

}  // namespace
}  // namespace farewell::daemon

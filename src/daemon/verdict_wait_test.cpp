// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/verdict_wait.hpp"

#include <gtest/gtest.h>

namespace farewell::daemon {
namespace {

using namespace std::chrono_literals;

TEST(VerdictWait, TellsOfTheLastMinute) {
    source::WaitCounter counter;
    VerdictWait wait;
    core::Time now(1h);
    wait.sample(counter.counts(), now);
    EXPECT_EQ(wait.p99(), std::nullopt);
    counter.add(5ms, 100);
    wait.sample(counter.counts(), now += 1s);
    EXPECT_GE(wait.p99(), 5ms);
    for (int second = 0; second < 70; ++second) {
        counter.add(10us, 100);
        wait.sample(counter.counts(), now += 1s);
    }
    EXPECT_LT(wait.p99(), 13us) << "those of 5 ms are long past";
    for (int second = 0; second < 70; ++second) {
        wait.sample(counter.counts(), now += 1s);
    }
    EXPECT_EQ(wait.p99(), std::nullopt) << "nothing has come since";
}

}  // namespace
}  // namespace farewell::daemon

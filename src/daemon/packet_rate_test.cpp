// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/packet_rate.hpp"

#include <gtest/gtest.h>

#include "scenario.hpp"

namespace farewell::daemon {
namespace {

using namespace std::chrono_literals;
using test::at;

TEST(PacketRate, IsOfTheTimeBetweenTheLastTwoSamples) {
    PacketRate rate;
    rate.sample(1000, at(1s));
    EXPECT_EQ(rate.per_second(), 0) << "what came before the first is of no known time";
    rate.sample(1500, at(2s));
    EXPECT_DOUBLE_EQ(rate.per_second(), 500);
    rate.sample(9999, at(2100ms));
    EXPECT_DOUBLE_EQ(rate.per_second(), 500) << "too soon to say anything";
    rate.sample(1500, at(4s));
    EXPECT_DOUBLE_EQ(rate.per_second(), 0);
}

}  // namespace
}  // namespace farewell::daemon

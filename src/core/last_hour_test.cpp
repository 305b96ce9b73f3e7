// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/last_hour.hpp"

#include <gtest/gtest.h>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;

TEST(LastHour, ForgetsWhatIsOlder) {
    LastHour hour;
    EXPECT_EQ(hour.count(at(0h)), 0U);
    hour.add(at(30s));
    hour.add(at(50s));
    hour.add(at(10min));
    EXPECT_EQ(hour.count(at(10min)), 3U);
    EXPECT_EQ(hour.count(at(59min + 59s)), 3U);
    EXPECT_EQ(hour.count(at(60min)), 1U);
    EXPECT_EQ(hour.count(at(70min)), 0U);
    EXPECT_EQ(hour.count(at(1000h)), 0U);
}

TEST(LastHour, AMinuteIsWrittenOverByTheSameOfALaterHour) {
    LastHour hour;
    for (int i = 0; i < 5; ++i) {
        hour.add(at(5min));
    }
    hour.add(at(3h + 5min));
    EXPECT_EQ(hour.count(at(3h + 5min)), 1U);
}

}  // namespace
}  // namespace farewell::core

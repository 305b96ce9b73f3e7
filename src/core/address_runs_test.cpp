// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/address_runs.hpp"

#include <gtest/gtest.h>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::source6;

TEST(AddressRuns, AreThreeAddressesAndAsNarrowAsTheyAllow) {
    AddressRuns runs;
    EXPECT_FALSE(runs.add(source6(1, 0x10), at(1s)));
    EXPECT_FALSE(runs.add(source6(1, 0x11), at(1s)));
    EXPECT_FALSE(runs.add(source6(1, 0x10), at(1s))) << "known";
    EXPECT_FALSE(runs.add(source6(1, 0x11), at(1s))) << "known";
    EXPECT_EQ(runs.add(source6(1, 0x12), at(1s)), Prefix::of(source6(1, 0x10), 124));
    EXPECT_EQ(runs.add(source6(1, 0x20), at(2s)), Prefix::of(source6(1, 0x00), 120));
    EXPECT_EQ(runs.add(source6(1, 0x11), at(3s)), Prefix::of(source6(1, 0x00), 120)) << "it does not shrink";
    EXPECT_EQ(runs.add(source6(1, 0x0400), at(4s)), Prefix::of(source6(1, 0), 112));
}

TEST(AddressRuns, OfDifferentPlacesHaveNothingToDoWithEachOther) {
    AddressRuns runs;
    for (std::uint16_t subnet = 1; subnet <= 20; ++subnet) {
        EXPECT_FALSE(runs.add(source6(subnet, 1), at(1s)));
        EXPECT_FALSE(runs.add(source6(subnet, 2), at(1s)));
    }
    EXPECT_EQ(runs.add(source6(7, 3), at(1s)), Prefix::of(source6(7, 0), 124));
}

TEST(AddressRuns, AreForgotten) {
    AddressRuns runs;
    runs.add(source6(1, 1), at(1s));
    runs.add(source6(1, 2), at(1s));
    EXPECT_FALSE(runs.add(source6(1, 3), at(1s) + AddressRuns::kLasting + 1ms)) << "it begins anew";
    for (std::uint16_t subnet = 100; subnet < 100 + AddressRuns::kRunsMax; ++subnet) {
        EXPECT_FALSE(runs.add(source6(subnet, 1), at(12s)));
    }
    EXPECT_FALSE(runs.add(source6(1, 4), at(12s)));
    EXPECT_FALSE(runs.add(source6(1, 5), at(12s))) << "others have taken its place";
}

TEST(AddressRuns, OfIpv4AreNone) {
    AddressRuns runs;
    for (std::uint32_t number = 0; number < 16; ++number) {
        EXPECT_FALSE(runs.add(test::source(number), at(1s)));
    }
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/allowlist.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using test::alone;
using test::network6;
using test::source;

TEST(Allowlist, ContainsTheAddressesOfItsNetworks) {
    const Allowlist list({Prefix::of(source(0), 24), Prefix::of(source(1024)), network6(1, 48)});
    EXPECT_TRUE(list.contains(source(255)));
    EXPECT_TRUE(list.contains(source(1024)));
    EXPECT_TRUE(list.contains(network6(1, 128).address));
    EXPECT_FALSE(list.contains(source(256)));
    EXPECT_FALSE(list.contains(source(1025)));
}

TEST(Allowlist, OverlapsWhatIsWithinAndWhatIsAround) {
    const Allowlist list({alone(5), Prefix::of(source(4096), 20), network6(7, 56)});
    EXPECT_TRUE(list.overlaps(alone(5)));
    EXPECT_TRUE(list.overlaps(Prefix::of(source(9), 24))) << "one address of it is allowed";
    EXPECT_TRUE(list.overlaps(Prefix::of(source(4096 + 256), 24))) << "all of it is allowed";
    EXPECT_TRUE(list.overlaps(network6(7, 48)));
    EXPECT_TRUE(list.overlaps(network6(7, 64)));
    EXPECT_FALSE(list.overlaps(alone(6)));
    EXPECT_FALSE(list.overlaps(Prefix::of(source(256), 24))) << "between the two";
    EXPECT_FALSE(list.overlaps(Prefix::of(source(8192), 24))) << "behind the last";
    EXPECT_FALSE(list.overlaps(network6(0x10000, 48)));
    EXPECT_FALSE(Allowlist({}).overlaps(Prefix::of(source(0), 16)));
}

TEST(Allowlist, OverlapsAsASearchThroughAllOfItDoes) {
    std::mt19937 random(1);
    std::vector<Prefix> networks;
    for (int i = 0; i < 40; ++i) {
        networks.push_back(
            Prefix::of(source(random() & 0xffffU), static_cast<std::uint8_t>(14 + random() % 19)));
        if (networks.back().length < 19) {
            networks.pop_back();  // few that are wide, or all is allowed
        }
    }
    const Allowlist list(networks);
    int overlapping = 0;
    constexpr int kAsked = 2000;
    for (int i = 0; i < kAsked; ++i) {
        const Prefix asked =
            Prefix::of(source(random() & 0xffffU), static_cast<std::uint8_t>(20 + random() % 13));
        const bool expected =
            std::ranges::any_of(networks, [&](const Prefix& network) { return network.overlaps(asked); });
        ASSERT_EQ(list.overlaps(asked), expected) << i;
        overlapping += expected ? 1 : 0;
    }
    EXPECT_GT(overlapping, 50);
    EXPECT_LT(overlapping, kAsked - 50);
}

}  // namespace
}  // namespace farewell::core

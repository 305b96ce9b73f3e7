// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/banned_set.hpp"

#include <gtest/gtest.h>

#include <set>

namespace farewell::nft {
namespace {

TEST(BannedSet, IsCalledByFormFamilyAndLength) {
    EXPECT_EQ(name_of({.ipv6 = false, .soft = false, .prefix_length = 32}), "banned4");
    EXPECT_EQ(name_of({.ipv6 = false, .soft = true, .prefix_length = 24}), "soft4_24");
    EXPECT_EQ(name_of({.ipv6 = true, .soft = false, .prefix_length = 128}), "banned6");
    EXPECT_EQ(name_of({.ipv6 = true, .soft = false, .prefix_length = 32}), "banned6_32");
}

TEST(BannedSet, IsKnownByItsNameAndByNoOther) {
    for (const bool ipv6 : {false, true}) {
        for (const bool soft : {false, true}) {
            for (std::uint8_t length = 0; length <= (ipv6 ? 128 : 32); ++length) {
                const BannedSet set{.ipv6 = ipv6, .soft = soft, .prefix_length = length};
                EXPECT_EQ(banned_set_of(name_of(set)), set) << name_of(set);
            }
        }
    }
    for (const char* stranger :
         {"", "4", "banned", "soft", "banned5", "banned4_", "banned4_32", "banned4_33", "banned6_129",
          "banned6_064", "banned4_24x", "allow4", "xbanned4", "soft4_-1", "softbanned4", "banned4_999",
          "banned4_drops", "soft6_64_drops"}) {
        EXPECT_FALSE(banned_set_of(stranger)) << stranger;
    }
}

TEST(BannedSet, TheNarrowestIsAskedFirst) {
    const std::set<BannedSet> sets{{.ipv6 = true, .soft = false, .prefix_length = 48},
                                   {.ipv6 = true, .soft = false, .prefix_length = 128},
                                   {.ipv6 = true, .soft = false, .prefix_length = 64}};
    EXPECT_EQ(sets.begin()->prefix_length, 128);
    EXPECT_EQ(sets.rbegin()->prefix_length, 48);
}

TEST(BannedSet, AsNftWritesIt) {
    EXPECT_EQ(set_text({.ipv6 = true, .soft = true, .prefix_length = 64}, "t"),
              "add set inet t soft6_64 { type ipv6_addr; size 1048576; flags timeout; }\n"
              "add set inet t soft6_64_drops { type ipv6_addr; size 1048576; flags dynamic,timeout; }\n");
    EXPECT_EQ(count_text({.ipv6 = false, .soft = false, .prefix_length = 16}),
              "update @banned4_16_drops { ip saddr & 255.255.0.0 timeout 1d counter }");
    EXPECT_EQ(match_text({.ipv6 = false, .soft = false, .prefix_length = 32}), "ip saddr @banned4");
    EXPECT_EQ(match_text({.ipv6 = false, .soft = false, .prefix_length = 22}),
              "ip saddr & 255.255.252.0 @banned4_22");
    EXPECT_EQ(match_text({.ipv6 = true, .soft = false, .prefix_length = 60}),
              "ip6 saddr & ffff:ffff:ffff:fff0:: @banned6_60");
}

}  // namespace
}  // namespace farewell::nft

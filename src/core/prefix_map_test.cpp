// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/prefix_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using test::alone;
using test::network6;

TEST(PrefixMap, HoldsOneValueForEachPrefix) {
    PrefixMap<int> map(KeyedHash{.key = 7});
    EXPECT_EQ(map.find(alone(1)), nullptr);
    map.put(alone(1), 1);
    map.put(alone(2), 2);
    map.put(network6(1, 64), 3);
    EXPECT_EQ(*map.find(alone(1)), 1);
    EXPECT_EQ(*map.find(network6(1, 64)), 3);
    EXPECT_EQ(map.find(network6(1, 48)), nullptr) << "the same bytes, another length";
    EXPECT_EQ(map.put(alone(1), 4), 4) << "replaced";
    map.erase(alone(2));
    map.erase(alone(2));
    EXPECT_EQ(map.find(alone(2)), nullptr);
    std::multiset<int> values;
    map.for_each([&values](int value) { values.insert(value); });
    EXPECT_EQ(values, (std::multiset{3, 4}));
}

struct CountingHash {
    std::size_t* hashed;
    std::size_t operator()(const Prefix& prefix) const {
        ++*hashed;
        return prefix.hash(7);
    }
};

TEST(PrefixMap, NoInsertionMovesMoreThanASmallPart) {
    std::size_t hashed = 0;
    PrefixMap<int, CountingHash> map(CountingHash{.hashed = &hashed});
    constexpr std::uint32_t kHeld = 100'000;
    std::size_t most = 0;
    for (std::uint32_t number = 1; number <= kHeld; ++number) {
        hashed = 0;
        map.put(alone(number), 0);
        most = std::max(most, hashed);
    }
    EXPECT_LT(most, kHeld / 32) << "whatever moves is hashed anew";
}

}  // namespace
}  // namespace farewell::core

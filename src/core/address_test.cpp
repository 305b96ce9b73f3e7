// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/address.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "core/allowlist.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

Address ipv6(std::array<unsigned, 16> values) {
    std::array<std::byte, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>(values[i]);
    }
    return Address::ipv6(bytes);
}

TEST(Address, FamiliesNeverCompareEqual) {
    const Address four = test::source(1);
    const Address six = ipv6({10, 0, 0, 1});
    EXPECT_NE(four, six);
    EXPECT_EQ(four.bytes().size(), 4U);
    EXPECT_EQ(six.bytes().size(), 16U);
    EXPECT_NE(four.hash(0), six.hash(0));
}

TEST(Address, PrivateOnes) {
    const auto ipv4 = [](std::array<unsigned, 4> values) {
        std::array<std::byte, 4> bytes{};
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<std::byte>(values[i]);
        }
        return Address::ipv4(bytes);
    };
    for (const std::array<unsigned, 4>& values : {std::array<unsigned, 4>{10, 255, 0, 1},
                                                  {172, 16, 0, 1},
                                                  {172, 31, 255, 1},
                                                  {192, 168, 1, 1},
                                                  {169, 254, 1, 1}}) {
        EXPECT_TRUE(ipv4(values).is_private()) << values[0] << '.' << values[1];
    }
    for (const std::array<unsigned, 4>& values : {std::array<unsigned, 4>{11, 0, 0, 1},
                                                  {172, 15, 0, 1},
                                                  {172, 32, 0, 1},
                                                  {192, 167, 1, 1},
                                                  {169, 253, 1, 1},
                                                  {100, 64, 0, 1}}) {
        EXPECT_FALSE(ipv4(values).is_private()) << values[0] << '.' << values[1];
    }
    EXPECT_TRUE(ipv6({0xfe, 0x80}).is_private());
    EXPECT_TRUE(ipv6({0xfe, 0xbf}).is_private());
    EXPECT_FALSE(ipv6({0xfe, 0xc0}).is_private());
    EXPECT_TRUE(ipv6({0xfc, 0}).is_private());
    EXPECT_TRUE(ipv6({0xfd, 6}).is_private());
    EXPECT_FALSE(ipv6({0x20, 1}).is_private());
}

TEST(Address, NeighboursHashApartUnderAnyKey) {
    for (const std::uint64_t key : {0ULL, 1ULL, ~0ULL, 0x0123456789abcdefULL}) {
        std::set<std::size_t> low_bits;
        std::set<std::size_t> high_bits;
        for (unsigned number = 0; number < 1024; ++number) {
            low_bits.insert(test::source(number).hash(key) % 4096);
            high_bits.insert(
                ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, number / 256, 0, 0, 0, 0, 0, 0, number % 256})
                    .hash(key) >>
                52U);
        }
        EXPECT_GT(low_bits.size(), 850U) << "about 906 are expected of a random function";
        EXPECT_GT(high_bits.size(), 850U);
    }
}

TEST(Address, WhatCollidesUnderOneKeyDoesNotUnderAnother) {
    // Addresses that meet in the low twelve bits under one key, as an attacker could compute them if it were
    // known.
    std::vector<Address> colliding;
    for (std::uint32_t number = 0; colliding.size() < 64; ++number) {
        if (test::source(number).hash(7) % 4096 == 0) {
            colliding.push_back(test::source(number));
        }
    }
    std::set<std::size_t> under_another;
    for (const Address& address : colliding) {
        under_another.insert(address.hash(8) % 4096);
    }
    EXPECT_GT(under_another.size(), 55U);
}

TEST(Address, OrderAndEquality) {
    EXPECT_NE(Address(), ipv6({})) << "the same bytes of another family";
    EXPECT_EQ(ipv6({1, 2}), ipv6({1, 2}));
    EXPECT_NE(test::source(1), test::source(2));
    EXPECT_LT(test::source(1), test::source(2));
    EXPECT_LT(test::source(0xff), test::source(0x100)) << "in network order";
    EXPECT_GT(ipv6({1, 2}), ipv6({1, 1}));
    EXPECT_LT(Address(), ipv6({}));
    EXPECT_LT(Prefix::of(test::source(0), 8), Prefix::of(test::source(0), 9));
    EXPECT_NE(Prefix::of(test::source(0), 8), Prefix::of(test::source(0), 9));
}

TEST(Address, Masked) {
    const Address address = test::source(0xabcdef);
    EXPECT_EQ(address.masked(32), address);
    EXPECT_EQ(address.masked(0), Address());
    EXPECT_EQ(address.masked(20), test::source(0xabc000 & 0xfff000));
    EXPECT_EQ(ipv6({0x20, 1, 0xd, 0xb8, 0xff, 0xff}).masked(33), ipv6({0x20, 1, 0xd, 0xb8, 0x80}));
}

TEST(Prefix, ContainsOnlyItsOwnFamilyAndBits) {
    const Prefix ten{.address = test::source(0), .length = 8};
    EXPECT_TRUE(ten.contains(test::source(0xffffff)));
    EXPECT_FALSE(ten.contains(ipv6({10})));
    const Prefix odd{.address = test::source(0x010200), .length = 23};
    EXPECT_TRUE(odd.contains(test::source(0x0103ff)));
    EXPECT_FALSE(odd.contains(test::source(0x010400)));
    EXPECT_TRUE((Prefix{.address = Address(), .length = 0}.contains(test::source(5))));
}

TEST(Allowlist, LooksAtEveryLength) {
    const Allowlist list({{.address = test::source(0x010000), .length = 16},
                          {.address = test::source(0x020203), .length = 32},
                          {.address = ipv6({0x20, 1, 0xd, 0xb8}), .length = 32}});
    EXPECT_TRUE(list.contains(test::source(0x0100ff)));
    EXPECT_TRUE(list.contains(test::source(0x020203)));
    EXPECT_FALSE(list.contains(test::source(0x020204)));
    EXPECT_TRUE(list.contains(ipv6({0x20, 1, 0xd, 0xb8, 9, 9})));
    EXPECT_FALSE(list.contains(ipv6({0x20, 1, 0xd, 0xb9})));
    EXPECT_FALSE(Allowlist({}).contains(test::source(1)));
}

}  // namespace
}  // namespace farewell::core

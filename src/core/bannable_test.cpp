// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/bannable.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using test::alone;
using test::network6;
using test::source;

Prefix ipv4(std::array<unsigned, 4> octets, std::uint8_t length) {
    std::array<std::byte, 4> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes.at(i) = static_cast<std::byte>(octets.at(i));
    }
    return Prefix::of(Address::ipv4(bytes), length);
}

Prefix ipv6(std::array<unsigned, 2> first, unsigned last, std::uint8_t length) {
    std::array<std::byte, 16> bytes{static_cast<std::byte>(first[0]), static_cast<std::byte>(first[1])};
    bytes[15] = static_cast<std::byte>(last);
    return Prefix::of(Address::ipv6(bytes), length);
}

TEST(Bannable, NoneThatIsTooWide) {
    for (int length = 0; length <= 128; ++length) {
        const auto bits = static_cast<std::uint8_t>(length);
        EXPECT_EQ(is_ban_length(Family::ipv4, bits), length >= 8 && length <= 32) << length;
        EXPECT_EQ(is_ban_length(Family::ipv6, bits), length >= 16) << length;
    }
}

TEST(Bannable, WhatHoldsAnAddressThatNobodySendsFromIsMartian) {
    for (const Prefix& martian :
         {ipv4({0, 0, 0, 0}, 32), ipv4({0, 0, 0, 0}, 24), ipv4({127, 1, 2, 3}, 32), ipv4({127, 9, 0, 0}, 16),
          ipv4({239, 1, 1, 0}, 24), ipv4({255, 255, 255, 255}, 32), ipv4({255, 255, 0, 0}, 16),
          ipv6({0, 0}, 0, 128), ipv6({0, 0}, 1, 128), ipv6({0, 0}, 0, 64), ipv6({0xff, 2}, 1, 128),
          ipv6({0xff, 2}, 0, 64), ipv6({0xfe, 0x80}, 0, 64), ipv6({0xfe, 0x80}, 0, 32)}) {
        EXPECT_TRUE(is_martian(martian)) << static_cast<int>(martian.length);
    }
    for (const Prefix& ordinary : {alone(1), Prefix::of(source(1), 16), ipv4({128, 0, 0, 0}, 16),
                                   ipv4({126, 255, 0, 0}, 16), ipv4({223, 255, 255, 0}, 24), network6(1, 64),
                                   network6(1, 32), ipv6({0xfe, 0x80}, 9, 128), ipv6({0, 0}, 2, 128)}) {
        EXPECT_FALSE(is_martian(ordinary)) << static_cast<int>(ordinary.length);
    }
}

}  // namespace
}  // namespace farewell::core

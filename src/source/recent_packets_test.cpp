// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/recent_packets.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "core/decode.hpp"

namespace farewell::source {
namespace {

core::Address address(std::uint8_t last) {
    return core::Address::ipv4(std::array{std::byte{192}, std::byte{0}, std::byte{2}, std::byte{last}});
}

DisregardedPacket packet(std::uint16_t port, core::Rule rule = core::Rule::backscatter) {
    return {.at = core::Time(std::chrono::seconds(port)),
            .port = {.protocol = core::protocol::kTcp, .number = port},
            .rule = rule};
}

TEST(RecentPackets, TellsOfOneSourceAlone) {
    RecentPackets recent;
    recent.note(address(1), packet(80));
    recent.note(address(2), packet(81));
    recent.note(address(1), packet(82, core::Rule::traceroute));
    const auto packets = recent.of(address(1));
    ASSERT_EQ(packets.size(), 2U);
    EXPECT_EQ(packets[0].port, (core::Port{.protocol = core::protocol::kTcp, .number = 80}));
    EXPECT_EQ(packets[0].rule, core::Rule::backscatter);
    EXPECT_EQ(packets[1].rule, core::Rule::traceroute);
    EXPECT_EQ(packets[1].at, core::Time(std::chrono::seconds(82)));
    EXPECT_TRUE(recent.of(address(3)).empty());
}

TEST(RecentPackets, KeepsTheFamiliesApart) {
    RecentPackets recent;
    recent.note(core::Address(), packet(80));  // 0.0.0.0, which has the same bytes as ::
    EXPECT_TRUE(recent.of(core::Address::ipv6(std::array<std::byte, 16>{})).empty());
    EXPECT_EQ(recent.of(core::Address()).size(), 1U);
}

TEST(RecentPackets, WritesOverTheOldest) {
    RecentPackets recent;
    recent.note(address(1), packet(1));
    for (std::size_t i = 0; i < RecentPackets::kCapacity - 1; ++i) {
        recent.note(address(2), packet(2));
    }
    EXPECT_EQ(recent.of(address(1)).size(), 1U);
    recent.note(address(2), packet(2));
    EXPECT_TRUE(recent.of(address(1)).empty());
    EXPECT_EQ(recent.of(address(2)).size(), RecentPackets::kCapacity);
}

TEST(RecentPackets, NothingHalfWrittenIsTold) {
    RecentPackets recent;
    std::jthread writer([&recent](const std::stop_token& stop) {
        for (std::uint16_t port = 1; !stop.stop_requested(); ++port) {
            // Source, port and time belong together, and a reader can tell.
            recent.note(address(port % 2 == 0 ? 2 : 1), packet(port));
        }
    });
    for (int i = 0; i < 200; ++i) {
        for (const DisregardedPacket& one : recent.of(address(1))) {
            ASSERT_EQ(one.port.number % 2, 1);
            ASSERT_EQ(one.at, core::Time(std::chrono::seconds(one.port.number)));
        }
    }
}

}  // namespace
}  // namespace farewell::source

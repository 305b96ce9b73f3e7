// SPDX-License-Identifier: GPL-2.0-or-later
// Bans of whole networks: whom they cover, and what they leave alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/address_runs.hpp"
#include "core/bannable.hpp"
#include "core/engine.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;
using test::network6;
using test::probe;
using test::source;

class EnginePrefixTest : public testing::Test {
 protected:
    void ban(const Prefix& prefix, std::chrono::nanoseconds duration) {
        const auto order = engine.order_ban(prefix, duration, now);
        ASSERT_EQ(order.result, OrderResult::done);
        engine.on_enforced(*order.ban, now);
    }
    const Prefix around = Prefix::of(source(1), 24);  // of sources 0..255
    Time now = at(1h);
    Engine engine{test::plain_limits(), {}};
};

TEST_F(EnginePrefixTest, ABannedNetworkCoversItsAddressesAndNoOthers) {
    ban(around, 1h);
    ban(network6(1, 64), 1h);
    for (std::uint16_t port = 1; port <= 9; ++port) {
        EXPECT_FALSE(engine.on_probe(probe(source(200), port), now));
        EXPECT_FALSE(engine.on_probe(probe(network6(1, 128).address, port), now));
        EXPECT_FALSE(engine.on_probe(probe(source(256), port), now));
        EXPECT_FALSE(engine.on_probe(probe(network6(2, 128).address, port), now));
    }
    EXPECT_EQ(engine.counters().probes_of_banned, 18U);
    EXPECT_EQ(engine.sources_tracked(), 2U) << "the neighbours";
    EXPECT_EQ(engine.report(source(200), now).ban->ban.source, around);
    EXPECT_EQ(engine.report(network6(1, 128).address, now).ban->ban.source, network6(1, 64));
    EXPECT_FALSE(engine.report(source(256), now).ban);
    EXPECT_EQ(engine.ban_of(around, now)->probes_after, 9U);
    EXPECT_FALSE(engine.ban_of(alone(200), now)) << "not of its own";
}

TEST_F(EnginePrefixTest, EveryLengthCovers) {
    const Prefix host = network6(0x123456, 128);
    for (std::uint8_t length = 16; length < 128; ++length) {
        const Prefix network = Prefix::of(host.address, length);
        ban(network, 1h);
        EXPECT_EQ(engine.report(host.address, now).ban->ban.source, network);
        EXPECT_EQ(engine.order_unban(network), OrderResult::done);
        EXPECT_FALSE(engine.report(host.address, now).ban);
    }
}

TEST_F(EnginePrefixTest, AnAddressThatStillGetsThroughHasItsNetworkBannedAgain) {
    ban(around, 1h);
    now += Engine::kInForceAfter + 1ms;
    const auto again = engine.on_probe(probe(source(77), 1), now);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->source, around);
    EXPECT_EQ(again->until, at(2h));
    EXPECT_FALSE(engine.on_probe(probe(source(78), 1), now)) << "one at a time";
}

TEST_F(EnginePrefixTest, BansWithinOneAnotherEndEachAtItsOwnTime) {
    ban(alone(1), 2h);
    ban(around, 1h);
    EXPECT_EQ(engine.bans_wanted(), 2U);
    EXPECT_EQ(engine.report(source(1), now).ban->ban.source, alone(1)) << "the one that ends last";
    EXPECT_EQ(engine.report(source(2), now).ban->ban.source, around);
    now += 1h;
    EXPECT_FALSE(engine.on_probe(probe(source(2), 1), now)) << "found over by a probe";
    const auto due = engine.on_tick(now);
    ASSERT_EQ(due.unbans.size(), 1U);
    EXPECT_EQ(due.unbans[0].source, around);
    EXPECT_FALSE(engine.report(source(2), now).ban);
    EXPECT_TRUE(engine.report(source(1), now).ban);
}

TEST_F(EnginePrefixTest, ARefusedNetworkDoesNotKeepAnAddressWithinFromItsRetry) {
    ban(alone(1), 2h);
    ASSERT_EQ(engine.order_ban(around, 3h, now).result, OrderResult::done);
    engine.on_refused(around, now);
    now += Engine::kInForceAfter + 1ms;
    EXPECT_EQ(engine.on_probe(probe(source(1), 1), now)->source, alone(1)) << "the narrowest first";
    EXPECT_EQ(engine.on_probe(probe(source(1), 1), now)->source, around);
    EXPECT_FALSE(engine.on_probe(probe(source(1), 1), now));
}

TEST_F(EnginePrefixTest, WhatAWiderBanKeepsOutIsBannedAlready) {
    ban(around, 2h);
    EXPECT_EQ(engine.order_ban(alone(1), std::nullopt, now).result, OrderResult::already);
    EXPECT_EQ(engine.order_ban(alone(1), 1h, now).result, OrderResult::already);
    EXPECT_EQ(engine.bans_wanted(), 1U);
    EXPECT_EQ(engine.order_ban(alone(1), 3h, now).ban->until, now + 3h) << "unless it is to stay out longer";
    EXPECT_EQ(engine.order_ban(around, std::nullopt, now).result, OrderResult::already);
}

TEST_F(EnginePrefixTest, AWiderBanThatIsNotInForceIsNoReasonToDoNothing) {
    ASSERT_EQ(engine.order_ban(around, 2h, now).result, OrderResult::done);
    engine.on_refused(around, now);
    EXPECT_EQ(engine.order_ban(alone(1), 1h, now).result, OrderResult::done);
}

TEST_F(EnginePrefixTest, OnlyTheVeryBanIsLifted) {
    ban(alone(1), 3h);
    ban(around, 2h);
    EXPECT_EQ(engine.order_unban(alone(1)), OrderResult::done);
    EXPECT_EQ(engine.order_unban(alone(1)), OrderResult::covered) << "by the network";
    EXPECT_EQ(engine.covering_ban(alone(1), now)->ban.source, around);
    EXPECT_EQ(engine.order_unban(Prefix::of(source(1), 16)), OrderResult::not_banned);
    EXPECT_EQ(engine.order_unban(around), OrderResult::done);
    EXPECT_EQ(engine.order_unban(alone(1)), OrderResult::not_banned);
}

TEST_F(EnginePrefixTest, SomeNetworksCannotBeBanned) {
    Engine allowing({}, {alone(9), Prefix::of(source(1U << 16U), 16), network6(1, 64)});
    EXPECT_EQ(allowing.order_ban(around, 1h, now).result, OrderResult::allowlisted) << "an address within";
    EXPECT_EQ(allowing.order_ban(Prefix::of(source(1U << 16U), 24), 1h, now).result,
              OrderResult::allowlisted);
    EXPECT_EQ(allowing.order_ban(network6(1, 48), 1h, now).result, OrderResult::allowlisted);
    EXPECT_EQ(allowing.order_ban(network6(0x10000, 64), 1h, now).result, OrderResult::done);
    EXPECT_EQ(allowing.order_ban(Prefix::of(source(1), 7), 1h, now).result, OrderResult::no_length);
    EXPECT_EQ(allowing.order_ban(network6(1, 15), 1h, now).result, OrderResult::no_length);
    EXPECT_EQ(allowing.order_ban(Prefix::of(Address(), 24), 1h, now).result, OrderResult::martian);
    EXPECT_FALSE(allowing.adopt({.source = around, .until = now + 1h}, now));
    EXPECT_EQ(allowing.bans_wanted(), 1U);
}

TEST_F(EnginePrefixTest, ANewAllowlistLiftsEveryBanThatOverlapsIt) {
    ban(around, 1h);
    ban(network6(1, 64), 1h);
    ban(alone(1000), 1h);
    const auto unbans = engine.reconfigure({}, {alone(9), network6(1, 48)}, now);
    ASSERT_EQ(unbans.size(), 2U);
    for (const Prefix& lifted : {around, network6(1, 64)}) {
        EXPECT_TRUE(std::ranges::any_of(unbans, [&](const Unban& unban) { return unban.source == lifted; }));
    }
    EXPECT_FALSE(engine.report(source(1), now).ban);
    EXPECT_TRUE(engine.report(source(1000), now).ban);
}

TEST_F(EnginePrefixTest, BitsBeyondTheLengthDoNotMatter) {
    const Prefix sloppy{.address = source(77), .length = 24};
    const auto order = engine.order_ban(sloppy, 1h, now);
    EXPECT_EQ(order.ban->source, around);
    EXPECT_TRUE(engine.on_enforced(*order.ban, now));
    EXPECT_EQ(engine.order_unban(sloppy), OrderResult::done);
    ASSERT_TRUE(engine.adopt({.source = sloppy, .until = now + 1h}, now));
    EXPECT_EQ(engine.wanted(now).front().source, around);
}

/// Our own network, with ourselves at ::1:1 and the gateway at ::1:2 of it.
class OwnNetworkTest : public testing::Test {
 protected:
    OwnNetworkTest() {
        Knowledge::Facts facts;
        facts.own_addresses = {in_it(0x10001)};
        facts.gateways = {in_it(0x10002)};
        static_cast<void>(engine.set_knowledge(std::make_shared<const Knowledge>(facts)));
    }
    /// 2001:db8:0:7::NUMBER
    static Address in_it(std::uint64_t number) {
        std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
        bytes[7] = std::byte{7};
        for (std::size_t i = 0; i < 8; ++i) {
            bytes.at(15 - i) = static_cast<std::byte>(number >> (8U * i));
        }
        return Address::ipv6(bytes);
    }
    /// A closed port for each address; what was banned, and how many probes came before the last ban.
    std::vector<Ban> scan(std::uint64_t first, std::size_t count, std::uint64_t step,
                          std::chrono::nanoseconds pace) {
        std::vector<Ban> bans;
        through = 0;
        for (std::size_t i = 0; i < count; ++i) {
            now += pace;
            const Address from = in_it(first + i * step);
            if (engine.report(from, now).ban) {
                continue;  // the kernel drops it
            }
            ++through;
            if (auto ban = engine.on_probe(probe(from, static_cast<std::uint16_t>(1000 + i)), now)) {
                engine.on_enforced(*ban, now);
                bans.push_back(*ban);
            }
        }
        return bans;
    }
    std::size_t through = 0;
    Time now = at(1h);
    Engine engine{Limits(), {Prefix::of(in_it(0x30000))}};
};

TEST_F(OwnNetworkTest, ARunOfAddressesThatScanTogetherIsBannedAndNobodyElse) {
    const auto bans = scan(0x50000, 256, 1, 10ms);
    ASSERT_FALSE(bans.empty());
    EXPECT_LE(bans.size(), AddressRuns::kLengths.size());
    EXPECT_LE(through, 15U) << "ten at once are a network's burst, and then three make a run";
    for (const Ban& ban : bans) {
        EXPECT_TRUE(ban.soft) << "they may be neighbours";
        EXPECT_GE(ban.source.length, 112);
    }
    EXPECT_TRUE(engine.report(in_it(0x50000 + 200), now).ban);
    for (const std::uint64_t other :
         {0x10001ULL, 0x10002ULL, 0x10099ULL, 0x60000ULL, 0x1234567890abcdefULL}) {
        EXPECT_FALSE(engine.report(in_it(other), now).ban) << other;
    }
    const Evidence evidence = engine.ban_of(bans.back().source, now)->evidence;
    ASSERT_FALSE(evidence.wider.empty());
    EXPECT_EQ(evidence.wider.front().network, Prefix::of(in_it(0), 64)) << "why no wider";
}

TEST_F(OwnNetworkTest, ARunWithSomebodyInItWhoMustNotBeBannedIsLeftAlone) {
    EXPECT_TRUE(scan(0x10003, 13, 1, 10ms).empty()) << "around us";
    EXPECT_TRUE(scan(0x30001, 15, 1, 10ms).empty()) << "around whom the operator allows";
}

TEST_F(OwnNetworkTest, NeighboursAtAHumanPaceOrOfRandomAddressesMakeNoRun) {
    EXPECT_TRUE(scan(0x50000, 100, 1, 1s).empty()) << "clumsy neighbours with numbers in a row";
    EXPECT_TRUE(scan(0x70000, 200, 0x9e3779b97f4a7c15ULL, 10ms).empty()) << "from all over the network";
}

TEST_F(OwnNetworkTest, LinkLocalAddressesMakeNoRun) {
    Knowledge::Facts facts;
    const auto link_local = [](unsigned number) {
        std::array<std::byte, 16> bytes{std::byte{0xfe}, std::byte{0x80}};
        bytes[14] = std::byte{5};
        bytes[15] = static_cast<std::byte>(number);
        return Address::ipv6(bytes);
    };
    facts.gateways = {
        Address::ipv6(std::array<std::byte, 16>{std::byte{0xfe}, std::byte{0x80}, std::byte{1}})};
    facts.own_addresses = {Address::ipv6(std::array<std::byte, 16>{
        std::byte{0xfe}, std::byte{0x80}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{1}})};
    static_cast<void>(engine.set_knowledge(std::make_shared<const Knowledge>(facts)));
    for (unsigned number = 0; number < 200; ++number) {
        now += 10ms;
        EXPECT_FALSE(
            engine.on_probe(probe(link_local(number), static_cast<std::uint16_t>(1000 + number)), now));
    }
}

}  // namespace
}  // namespace farewell::core

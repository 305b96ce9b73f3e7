// SPDX-License-Identifier: GPL-2.0-or-later
// Bans of whole networks: whom they cover, and what they leave alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

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

}  // namespace
}  // namespace farewell::core

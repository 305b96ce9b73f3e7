// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;
using test::probe;
using test::source;

/// An engine and a clock that the test moves.
class EngineTest : public testing::Test {
 protected:
    explicit EngineTest(Limits limits = test::plain_limits()) : engine(limits, {}) {}

    std::optional<Ban> try_port(std::uint16_t port, std::uint32_t who = 1) {
        return engine.on_probe(probe(source(who), port), now);
    }
    /// Ports first..first+count-1; the last answer.
    std::optional<Ban> try_ports(std::uint16_t first, std::uint16_t count, std::uint32_t who = 1) {
        std::optional<Ban> ban;
        for (std::uint16_t i = 0; i < count; ++i) {
            ban = try_port(static_cast<std::uint16_t>(first + i), who);
        }
        return ban;
    }
    /// The enforcer did what the ban of this source is now.
    bool acknowledge(const Prefix& banned) {
        const auto record = engine.ban_of(banned, now);
        return engine.on_enforced(record ? record->ban : Ban{.source = banned, .until = now}, now);
    }
    void ban_and_enforce(std::uint32_t who = 1) {
        ASSERT_TRUE(try_ports(1, 10, who));
        acknowledge(alone(who));
    }

    Time now = at(1h);
    Engine engine;
};

TEST_F(EngineTest, ExactlyTheTenthDistinctPortBans) {
    for (std::uint16_t port = 1; port <= 9; ++port) {
        EXPECT_FALSE(try_port(port)) << port;
    }
    const auto ban = try_port(10);
    ASSERT_TRUE(ban);
    EXPECT_EQ(ban->source, alone(1));
    EXPECT_EQ(ban->until, now + 12h);
    EXPECT_EQ(ban->reason, BanReason::port_scan);
    const auto record = engine.report(source(1), now).ban;
    ASSERT_TRUE(record);
    EXPECT_EQ(record->evidence.ports.size(), 10U);
    EXPECT_EQ(record->evidence.ports.front().port.number, 1);
    EXPECT_EQ(engine.sources_tracked(), 0U);
}

TEST_F(EngineTest, NinePortsTwoHundredTimesDoNotBan) {
    for (int repeat = 0; repeat < 200; ++repeat) {
        EXPECT_FALSE(try_ports(1, 9));
    }
    EXPECT_EQ(engine.counters().probes_repeated, 199U * 9);
    EXPECT_EQ(engine.report(source(1), now).evidence.ports.size(), 9U);
}

TEST_F(EngineTest, ProtocolsCountApart) {
    EXPECT_FALSE(try_ports(1, 9));
    EXPECT_FALSE(engine.on_probe(probe(source(1), 1, 6), now));
    EXPECT_TRUE(engine.on_probe(probe(source(1), 1, 17), now));
}

TEST_F(EngineTest, SourcesCountApart) {
    for (std::uint32_t who = 1; who <= 100; ++who) {
        EXPECT_FALSE(try_ports(1, 9, who));
    }
    EXPECT_EQ(engine.bans_wanted(), 0U);
    EXPECT_EQ(engine.sources_tracked(), 100U);
    EXPECT_EQ(engine.suspects(now), 100U);
}

TEST_F(EngineTest, PortsOutsideTheWindowDoNotCount) {
    for (std::uint16_t port = 1; port <= 30; ++port) {
        EXPECT_FALSE(try_port(port)) << port;
        now += 2h + 41min;  // ten of them span more than 24 h
    }
    for (std::uint16_t port = 100; port < 102; ++port) {
        now += 1s;
        static_cast<void>(try_port(port));
    }
    EXPECT_EQ(engine.bans_wanted(), 1U) << "nine within the day and one or two quick ones";
}

TEST_F(EngineTest, ThresholdsAtBothEnds) {
    Limits limits = test::plain_limits();
    limits.threshold = Limits::kThresholdMin;
    Engine two(limits, {});
    EXPECT_FALSE(two.on_probe(probe(source(1), 1), now));
    EXPECT_TRUE(two.on_probe(probe(source(1), 2), now));
    limits.threshold = Limits::kThresholdMax;
    Engine most(limits, {});
    for (std::uint32_t port = 0; port < Limits::kThresholdMax - 1; ++port) {
        ASSERT_FALSE(most.on_probe(probe(source(1), static_cast<std::uint16_t>(port)), now));
    }
    EXPECT_TRUE(most.on_probe(probe(source(1), 65535), now));
    EXPECT_EQ(most.report(source(1), now).ban->evidence.ports.size(), limits.evidence_ports_max);
}

TEST_F(EngineTest, TimeGoingBackStandsStill) {
    EXPECT_FALSE(try_ports(1, 9));
    now -= 30min;
    const auto ban = try_port(10);
    ASSERT_TRUE(ban);
    EXPECT_EQ(ban->until, now + 30min + 12h);
}

TEST_F(EngineTest, ABannedSourceIsNotTracked) {
    ban_and_enforce();
    now += 10ms;  // in flight
    EXPECT_FALSE(try_ports(100, 50));
    EXPECT_EQ(engine.sources_tracked(), 0U);
    EXPECT_EQ(engine.counters().probes_of_banned, 50U);
    EXPECT_EQ(engine.report(source(1), now).ban->probes_after, 50U);
}

TEST_F(EngineTest, ABannedSourceThatStillGetsThroughIsBannedAgain) {
    ban_and_enforce();
    const Time until = engine.report(source(1), now).ban->ban.until;
    now += Engine::kInForceAfter + 1ms;
    const auto again = try_port(100);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->until, until) << "with the time it has left";
    EXPECT_FALSE(try_port(101)) << "one at a time";
    EXPECT_FALSE(acknowledge(alone(1))) << "no news";
    EXPECT_EQ(engine.counters().bans_decided, 1U);
    EXPECT_EQ(engine.bans_of_last_hour(now), 1U);
    EXPECT_EQ(engine.bans_of_last_hour(now + 1h + 1min), 0U);
}

TEST_F(EngineTest, ARefusedBanIsTriedAgainEverMoreSlowly) {
    ASSERT_TRUE(try_ports(1, 10));
    std::chrono::nanoseconds delay = Engine::kRetryMin;
    for (int attempt = 0; attempt < 12; ++attempt) {
        engine.on_refused(alone(1), now);
        EXPECT_EQ(engine.report(source(1), now).ban->state, BanState::failed);
        EXPECT_TRUE(engine.on_tick(now + delay - 1ns).bans.empty()) << attempt;
        now += delay;
        EXPECT_EQ(engine.next_due(), now);
        EXPECT_EQ(engine.on_tick(now).bans.size(), 1U) << attempt;
        delay = std::min<std::chrono::nanoseconds>(delay * 2, Engine::kRetryMax);
    }
    EXPECT_EQ(delay, Engine::kRetryMax);
    EXPECT_TRUE(acknowledge(alone(1))) << "news at last";
    EXPECT_EQ(engine.report(source(1), now).ban->failures, 0U);
    EXPECT_EQ(engine.next_due(), engine.report(source(1), now).ban->ban.until);
}

TEST_F(EngineTest, ABanWithoutAnOutcomeIsHandedOutAgain) {
    ASSERT_TRUE(try_ports(1, 10));
    EXPECT_TRUE(engine.on_tick(now + Engine::kRetryMax - 1ns).bans.empty());
    EXPECT_EQ(engine.on_tick(now + Engine::kRetryMax).bans.size(), 1U);
    EXPECT_EQ(engine.on_tick(now + 2 * Engine::kRetryMax).bans.size(), 1U);
}

TEST_F(EngineTest, EvidenceIsLimitedHoweverTheBanCameAbout) {
    Limits limits = test::plain_limits();
    limits.threshold = 1000;
    limits.evidence_ports_max = 5;
    Engine wide(limits, {});
    for (std::uint16_t port = 1; port <= 500; ++port) {
        ASSERT_FALSE(wide.on_probe(probe(source(1), port), now));
    }
    static_cast<void>(wide.order_ban(alone(1), std::nullopt, now));
    EXPECT_EQ(wide.report(source(1), now).ban->evidence.ports.size(), 5U);
}

TEST_F(EngineTest, AProbeHastensTheRetry) {
    ASSERT_TRUE(try_ports(1, 10));
    for (int attempt = 0; attempt < 5; ++attempt) {
        engine.on_refused(alone(1), now);
    }
    EXPECT_FALSE(try_port(50)) << "but not more often than the shortest delay";
    now += Engine::kRetryMin + 1ms;
    EXPECT_TRUE(try_port(51));
}

TEST_F(EngineTest, ABanEndsAndTheSourceStartsFromNothing) {
    ban_and_enforce();
    now += 12h - 1ns;
    EXPECT_TRUE(engine.on_tick(now).unbans.empty());
    now += 1ns;
    const auto due = engine.on_tick(now);
    ASSERT_EQ(due.unbans.size(), 1U);
    EXPECT_EQ(due.unbans[0].source, alone(1));
    EXPECT_EQ(due.unbans[0].reason, UnbanReason::expired);
    EXPECT_FALSE(engine.next_due());
    EXPECT_FALSE(try_ports(1, 9));
    EXPECT_TRUE(try_port(10));
}

TEST_F(EngineTest, AnEndFoundByAProbeIsToldByTheNextTick) {
    ban_and_enforce();
    now += 13h;
    EXPECT_FALSE(try_port(1));
    EXPECT_EQ(engine.next_due(), now);
    EXPECT_EQ(engine.on_tick(now).unbans.size(), 1U);
    EXPECT_TRUE(engine.on_tick(now).unbans.empty());
}

TEST_F(EngineTest, WhatIsDueBeyondWhatIsAskedForStaysDue) {
    for (std::uint32_t number = 1; number <= 5; ++number) {
        ASSERT_TRUE(engine.order_ban(alone(number), 1h, now).ban);
    }
    now += 1h;
    EXPECT_EQ(engine.on_tick(now, 2).unbans.size(), 2U);
    EXPECT_LE(engine.next_due().value(), now);
    EXPECT_EQ(engine.on_tick(now, 2).unbans.size(), 2U);
    EXPECT_EQ(engine.on_tick(now, 2).unbans.size(), 1U);
    EXPECT_FALSE(engine.next_due());
}

TEST_F(EngineTest, OutcomesOfUnknownSourcesAreIgnored) {
    EXPECT_FALSE(acknowledge(alone(9)));
    engine.on_refused(alone(9), now);
    EXPECT_EQ(engine.counters().bans_enforced + engine.counters().bans_failed, 0U);
}

TEST_F(EngineTest, OrdersOfTheOperator) {
    EXPECT_FALSE(try_ports(1, 5));
    const auto first = engine.order_ban(alone(1), 2h, now);
    EXPECT_EQ(first.result, OrderResult::done);
    EXPECT_EQ(first.ban->until, now + 2h);
    EXPECT_TRUE(acknowledge(alone(1)));
    EXPECT_EQ(engine.report(source(1), now).ban->evidence.ports.size(), 5U);
    EXPECT_EQ(engine.order_ban(alone(1), std::nullopt, now).result, OrderResult::already);
    EXPECT_EQ(engine.order_ban(alone(1), 10min, now).ban->until, now + 10min);
    EXPECT_FALSE(acknowledge(alone(1)));
    EXPECT_EQ(engine.next_due(), now + 10min);
    EXPECT_EQ(engine.order_unban(alone(1)), OrderResult::done);
    EXPECT_EQ(engine.order_unban(alone(1)), OrderResult::not_banned);
    EXPECT_EQ(engine.order_ban(Prefix::of(Address()), std::nullopt, now).result, OrderResult::martian);
}

TEST_F(EngineTest, TheAllowlistWins) {
    Engine allowing({}, {{.address = source(0), .length = 24}});
    for (std::uint16_t port = 1; port <= 100; ++port) {
        EXPECT_FALSE(allowing.on_probe(probe(source(5), port), now));
    }
    EXPECT_EQ(allowing.counters().probes_allowlisted, 100U);
    EXPECT_TRUE(allowing.report(source(5), now).allowlisted);
    EXPECT_EQ(allowing.order_ban(alone(5), std::nullopt, now).result, OrderResult::allowlisted);
}

TEST_F(EngineTest, ANewAllowlistLiftsBans) {
    ban_and_enforce(1);
    ban_and_enforce(2);
    const auto unbans = engine.reconfigure({}, {{.address = source(1), .length = 32}}, now);
    ASSERT_EQ(unbans.size(), 1U);
    EXPECT_EQ(unbans[0].source, alone(1));
    EXPECT_EQ(unbans[0].reason, UnbanReason::allowlisted);
    EXPECT_EQ(engine.bans_wanted(), 1U);
}

std::shared_ptr<const Knowledge> knowing(Knowledge::Facts facts) {
    return std::make_shared<const Knowledge>(std::move(facts));
}

TEST_F(EngineTest, WhomTheHostNeedsIsNeverBanned) {
    EXPECT_TRUE(engine
                    .set_knowledge(knowing(
                        {.own_addresses = {source(1)}, .gateways = {source(2)}, .resolvers = {source(3)}}))
                    .empty());
    for (const std::uint32_t who : {1U, 2U, 3U}) {
        EXPECT_FALSE(try_ports(1, 100, who)) << who;
        EXPECT_EQ(engine.order_ban(alone(who), 1h, now).result, OrderResult::protected_address) << who;
        EXPECT_FALSE(engine.adopt({.source = alone(who), .until = now + 1h}, now)) << who;
        EXPECT_TRUE(engine.report(source(who), now).protected_address) << who;
    }
    EXPECT_EQ(engine.bans_wanted(), 0U);
    EXPECT_EQ(engine.counters().probes_protected, 300U);
    EXPECT_EQ(engine.sources_tracked(), 0U);
    EXPECT_TRUE(try_ports(1, 10, 4)) << "and everybody else as before";
    EXPECT_FALSE(engine.report(source(4), now).protected_address);
}

TEST_F(EngineTest, WhoBecomesNeededIsLetIn) {
    ban_and_enforce(1);
    ban_and_enforce(2);
    const auto unbans = engine.set_knowledge(knowing({.gateways = {source(2)}}));
    ASSERT_EQ(unbans.size(), 1U);
    EXPECT_EQ(unbans[0].source, alone(2));
    EXPECT_EQ(unbans[0].reason, UnbanReason::protected_address);
    EXPECT_EQ(engine.bans_wanted(), 1U);
    EXPECT_EQ(engine.counters().unbans, 1U);
    EXPECT_TRUE(engine.set_knowledge(knowing({})).empty());
    EXPECT_TRUE(try_ports(1, 10, 2)) << "once it is needed no longer, it may be banned again";
}

TEST_F(EngineTest, ALowerThresholdCountsFromTheNextProbeOn) {
    EXPECT_FALSE(try_ports(1, 6));
    Limits limits = test::plain_limits();
    limits.threshold = 5;
    static_cast<void>(engine.reconfigure(limits, {}, now));
    EXPECT_EQ(engine.bans_wanted(), 0U);
    EXPECT_TRUE(try_port(1));
}

TEST_F(EngineTest, BansAreLimitedInNumber) {
    Limits limits = test::plain_limits();
    limits.bans_max = 3;
    Engine full(limits, {});
    for (std::uint32_t who = 1; who <= 5; ++who) {
        for (std::uint16_t port = 1; port <= 10; ++port) {
            static_cast<void>(full.on_probe(probe(source(who), port), now));
        }
    }
    EXPECT_EQ(full.bans_wanted(), 3U);
    EXPECT_EQ(full.counters().bans_refused, 2U);
    EXPECT_EQ(full.order_ban(alone(9), std::nullopt, now).result, OrderResult::full);
    EXPECT_EQ(full.order_unban(alone(1)), OrderResult::done);
    for (std::uint16_t port = 1; port <= 9; ++port) {
        EXPECT_FALSE(full.on_probe(probe(source(4), port), now)) << "it has to earn its ban anew";
    }
    EXPECT_TRUE(full.on_probe(probe(source(4), 10), now));
}

TEST_F(EngineTest, AdoptedBansAreInForceAndKnown) {
    ASSERT_TRUE(engine.adopt({.source = alone(7), .until = now + 1h}, now));
    EXPECT_EQ(engine.report(source(7), now).ban->state, BanState::enforced);
    EXPECT_FALSE(acknowledge(alone(7))) << "no news";
    EXPECT_EQ(engine.on_tick(now + 1h).unbans.size(), 1U);
}

TEST_F(EngineTest, AllowlistedBansAreNotAdopted) {
    Engine allowing({}, {{.address = source(0), .length = 24}});
    EXPECT_FALSE(allowing.adopt({.source = alone(7), .until = now + 1h}, now));
    EXPECT_EQ(allowing.bans_wanted(), 0U);
}

TEST_F(EngineTest, OfSeveralBansAroundAnAddressTheLastToEndIsTold) {
    const Prefix around = Prefix::of(source(1), 24);
    static_cast<void>(engine.order_ban(alone(1), 2h, now));
    static_cast<void>(engine.order_ban(around, 1h, now));
    EXPECT_EQ(engine.covering_ban(alone(1), now)->ban.source, alone(1));
    static_cast<void>(engine.order_ban(around, 3h, now));
    EXPECT_EQ(engine.covering_ban(alone(1), now)->ban.source, around);
    EXPECT_FALSE(engine.ban_of(alone(1), now + 2h)) << "over";
    EXPECT_FALSE(engine.covering_ban(alone(9), now + 3h));
}

TEST_F(EngineTest, AnOrderForABanThatIsNotInForceHandsItOutAgain) {
    const auto first = engine.order_ban(alone(1), 2h, now);
    const auto again = engine.order_ban(alone(1), std::nullopt, now + 1s);
    EXPECT_EQ(again.result, OrderResult::done);
    EXPECT_EQ(again.ban->until, first.ban->until);
}

TEST_F(EngineTest, ProtectedOrTooManyBansAreNotAdopted) {
    Knowledge::Facts facts;
    facts.gateways = {source(7)};
    static_cast<void>(engine.set_knowledge(std::make_shared<const Knowledge>(facts)));
    EXPECT_FALSE(engine.adopt({.source = alone(7), .until = now + 1h}, now));
    EXPECT_FALSE(engine.adopt({.source = {.address = source(8), .length = 7}, .until = now + 1h}, now));
    Limits limits = test::plain_limits();
    limits.bans_max = 1;
    Engine small(limits, {});
    EXPECT_TRUE(small.adopt({.source = alone(8), .until = now + 1h}, now));
    EXPECT_FALSE(small.adopt({.source = alone(9), .until = now + 1h}, now));
}

TEST_F(EngineTest, ListsAreCutOffAtTheLatestEnds) {
    for (std::uint32_t who = 1; who <= 5; ++who) {
        static_cast<void>(engine.order_ban(alone(who), who * 1h, now));
    }
    const auto listed = engine.bans(3);
    ASSERT_EQ(listed.size(), 3U);
    EXPECT_EQ(listed[0].ban.source, alone(1));
    EXPECT_EQ(listed[2].ban.source, alone(3));
    EXPECT_EQ(engine.wanted(now).size(), 5U);
    EXPECT_EQ(engine.wanted(now + 2h).size(), 3U);
}

TEST_F(EngineTest, LongListsAreTakenPartByPartInTheOrderOfTheirSources) {
    const Prefix network = Prefix::of(source(1), 24);
    static_cast<void>(engine.order_ban(alone(3), 2h, now));
    static_cast<void>(engine.order_ban(alone(1), 3h, now, {.reason = BanReason::imported, .note = "x"}));
    static_cast<void>(engine.order_ban(network, 1h, now));
    EXPECT_EQ(engine.ban_of(alone(1), now)->note, "x");
    const auto sources = [&](const std::optional<Prefix>& after, Time when) {
        std::vector<Prefix> list;
        for (const Ban& ban : engine.wanted_after(after, 2, when)) {
            list.push_back(ban.source);
        }
        return list;
    };
    EXPECT_THAT(sources({}, now), testing::ElementsAre(network, alone(1)));
    EXPECT_THAT(sources(alone(1), now), testing::ElementsAre(alone(3)));
    EXPECT_THAT(sources(alone(3), now), testing::IsEmpty());
    EXPECT_THAT(sources({}, now + 150min), testing::ElementsAre(alone(1))) << "what is over is no ban";
}

TEST(EngineNames, AreAllThere) {
    EXPECT_EQ(name_of(BanReason::port_scan), "port_scan");
    EXPECT_EQ(name_of(BanReason::by_operator), "by_operator");
    EXPECT_EQ(name_of(BanReason::port_sweep), "port_sweep");
    EXPECT_EQ(name_of(UnbanReason::expired), "expired");
    EXPECT_EQ(name_of(UnbanReason::by_operator), "by_operator");
    EXPECT_EQ(name_of(UnbanReason::allowlisted), "allowlisted");
    EXPECT_EQ(name_of(UnbanReason::protected_address), "protected_address");
    EXPECT_EQ(name_of(BanState::pending), "pending");
    EXPECT_EQ(name_of(BanState::enforced), "enforced");
    EXPECT_EQ(name_of(BanState::failed), "failed");
}

}  // namespace
}  // namespace farewell::core

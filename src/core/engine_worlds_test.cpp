// SPDX-License-Identifier: GPL-2.0-or-later
// The engine with many sources at once: bursts, networks, sweeps, decoys, and a budget for all of them.
#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/ban_budget.hpp"
#include "core/engine.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;
using test::probe;
using test::source;

TEST(EngineLookAhead, ChangesNothingButTheTimeItTakes) {
    Engine one({}, {});
    Engine other({}, {});
    std::vector<Arrival> burst;
    for (std::uint32_t i = 0; i < 40'000; ++i) {
        const bool is_scanner = i % 1000 == 0;
        const auto from = is_scanner   ? source(7)
                          : i % 3 == 0 ? test::source6(1, static_cast<std::uint16_t>(i))
                                       : source(100 + i);
        burst.push_back({.probe = probe(from, static_cast<std::uint16_t>(is_scanner ? i / 1000 : 80)),
                         .at = at(1h + i * 1ms)});
    }
    for (std::size_t i = 0; i < burst.size(); ++i) {
        other.look_ahead(burst, i);
        const auto ban = one.on_probe(burst[i].probe, burst[i].at);
        const auto same = other.on_probe(burst[i].probe, burst[i].at);
        ASSERT_EQ(ban.has_value(), same.has_value()) << i;
    }
    EXPECT_GT(one.sources_tracked(), 20'000U);
    EXPECT_EQ(one.sources_tracked(), other.sources_tracked());
    EXPECT_EQ(one.counters().bans_decided, 1U);
}

TEST(EngineBudget, BeyondSoManyAMinuteNobodyIsBannedAndItResumesByItself) {
    Limits limits = test::plain_limits();
    limits.bans_per_minute = 60;
    Engine engine(limits, {});
    Time now = at(1h);
    const auto scan = [&](std::uint32_t who) {
        std::optional<Ban> ban;
        for (std::uint16_t port = 1; port <= 10; ++port) {
            ban = engine.on_probe(probe(source(who), port), now);
        }
        return ban.has_value();
    };
    std::uint32_t banned = 0;
    for (std::uint32_t who = 1; who <= 100'000; ++who) {
        now += 50us;  // five seconds for all
        banned += scan(who) ? 1U : 0U;
    }
    EXPECT_EQ(banned, 64U) << "sixty at once, and one a second";
    EXPECT_EQ(engine.counters().bans_withheld, 100'000U - banned);
    EXPECT_TRUE(engine.is_over_budget(now));
    EXPECT_EQ(engine.bans_wanted(), banned) << "those made before stay";
    EXPECT_EQ(engine.order_ban(alone(200'000), 1h, now).result, OrderResult::done) << "the operator may";
    now += BanBudget::kLasting;
    EXPECT_FALSE(engine.is_over_budget(now));
    EXPECT_TRUE(scan(200'001));
    limits.bans_per_minute = 0;
    static_cast<void>(engine.reconfigure(limits, {}, now));
    for (std::uint32_t who = 300'000; who < 300'500; ++who) {
        EXPECT_TRUE(scan(who)) << "no budget, no end";
    }
}

/// Addresses of one /64 with a port each; whether its network was banned by then.
std::optional<Ban> scan_from_subnet(Engine& engine, std::uint16_t addresses, Time now) {
    std::optional<Ban> ban;
    for (std::uint16_t i = 1; i <= addresses && !ban; ++i) {
        ban = engine.on_probe(probe(test::source6(1, i), static_cast<std::uint16_t>(1000 + i)), now + i * 1s);
    }
    return ban;
}

TEST(EngineNetworks, ANetworkOfManyScannersIsBannedUnlessSomebodyInItMustNotBe) {
    const Prefix subnet = Prefix::of(test::source6(1, 1), 64);
    Engine engine({}, {});
    const auto ban = scan_from_subnet(engine, 100, at(1h));
    ASSERT_TRUE(ban);
    EXPECT_EQ(ban->source, subnet);
    EXPECT_EQ(engine.counters().bans_of_networks, 1U);

    Engine with_guest({}, {Prefix::of(test::source6(1, 5000))});
    EXPECT_FALSE(scan_from_subnet(with_guest, 100, at(1h)));
    Engine with_gateway({}, {});
    Knowledge::Facts facts;
    facts.gateways = {test::source6(1, 6000)};
    static_cast<void>(with_gateway.set_knowledge(std::make_shared<const Knowledge>(facts)));
    EXPECT_FALSE(scan_from_subnet(with_gateway, 100, at(1h)));
}

TEST(EngineNetworks, OneAddressThatComesBackDoesNotMakeItsNetworkAScanner) {
    Engine engine({}, {});
    for (std::uint16_t i = 0; i < 60; ++i) {
        // Nine slow ports and out; two addresses take turns, so no third one ever takes part.
        const auto ban = engine.on_probe(
            probe(test::source6(1, 1 + i % 2), static_cast<std::uint16_t>(1000 + i)), at(1h + i * 3h));
        EXPECT_FALSE(ban) << i;
    }
}

TEST(EngineNetworks, ASweepIsToldAsOne) {
    Engine engine({}, {});
    std::optional<Ban> ban;
    for (std::uint32_t host = 1; host <= 32 && !ban; ++host) {
        Probe forwarded = probe(source(1), 445);
        forwarded.is_forwarded = true;
        forwarded.destination = source(5000 + host);
        ban = engine.on_probe(forwarded, at(1h + host * 1s));
    }
    ASSERT_TRUE(ban);
    EXPECT_EQ(ban->reason, BanReason::port_sweep);
}

/// Decoys whose packets come by queues of their own: all of one source's, then all of the next one's.
class LateDecoysTest : public testing::TestWithParam<DecoyTreatment> {
 protected:
    static Limits limits() {
        Limits limits;
        limits.decoys = GetParam();
        limits.unproven = UnprovenTreatment::full;  // otherwise there is nothing to soften
        return limits;
    }
    std::optional<Ban> scan(std::uint32_t who) {
        std::optional<Ban> ban;
        for (const std::uint16_t port : std::initializer_list<std::uint16_t>{21, 443, 25, 110, 993}) {
            Probe raw = probe(source(who), port);
            raw.tool = Tool::nmap;
            ban = engine.on_probe(raw, now);
        }
        return ban;
    }
    Time now = at(1h);
    Engine engine{limits(), {}};
};

TEST_P(LateDecoysTest, WhoWasBannedBeforeItsCompanyCameIsTreatedLikeIt) {
    const bool stays_firm = GetParam() == DecoyTreatment::ban;
    const auto first = scan(1);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->soft);
    EXPECT_TRUE(engine.on_enforced(*first, now));
    const auto second = scan(2);
    EXPECT_EQ(second.has_value(), GetParam() != DecoyTreatment::observe);
    EXPECT_EQ(engine.next_due(), stays_firm ? now + Engine::kRetryMax : now);
    const auto due = engine.on_tick(now).bans;
    ASSERT_EQ(due.size(), stays_firm ? 0U : 1U);
    if (!stays_firm) {
        EXPECT_EQ(due[0].source, alone(1));
        EXPECT_TRUE(due[0].soft);
        EXPECT_EQ(due[0].until, now + 1h);
        EXPECT_TRUE(engine.on_enforced(due[0], now)) << "news";
    }
    static_cast<void>(scan(3));
    EXPECT_EQ(engine.ban_of(alone(1), now)->evidence.companions, (std::vector{source(2), source(3)}));
    EXPECT_TRUE(engine.on_tick(now).bans.empty()) << "once is enough";
    EXPECT_EQ(engine.counters().bans_soft, stays_firm ? 0U : GetParam() == DecoyTreatment::soft ? 3U : 1U);
}

TEST_P(LateDecoysTest, AnOutcomeOfTheFirmBanDoesNotSettleTheSoftOne) {
    const auto first = scan(1);
    static_cast<void>(scan(2));
    EXPECT_EQ(engine.on_enforced(*first, now), GetParam() == DecoyTreatment::ban);
    EXPECT_EQ(engine.on_tick(now).bans.size(), GetParam() == DecoyTreatment::ban ? 0U : 1U);
}

TEST_P(LateDecoysTest, WhoSharesItsPortsTheNextMinuteIsNoCompany) {
    ASSERT_TRUE(scan(1));
    now += 1min;
    EXPECT_FALSE(scan(2)->soft);
    EXPECT_FALSE(engine.ban_of(alone(1), now)->ban.soft);
}

TEST_P(LateDecoysTest, AnOlderBanAndAnOperatorsStayWhatTheyAre) {
    ASSERT_TRUE(scan(1));
    const auto ordered = engine.order_ban(alone(1), 20h, now);
    ASSERT_TRUE(ordered.ban);
    static_cast<void>(scan(2));
    EXPECT_EQ(engine.ban_of(alone(1), now)->ban.until, now + 20h);
}

INSTANTIATE_TEST_SUITE_P(Each, LateDecoysTest,
                         testing::Values(DecoyTreatment::soft, DecoyTreatment::ban, DecoyTreatment::observe));

}  // namespace
}  // namespace farewell::core

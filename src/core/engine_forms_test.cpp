// SPDX-License-Identifier: GPL-2.0-or-later
// Soft bans and full ones, and how long they are the first time and every further time.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "core/engine.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;
using test::probe;
using test::source;

Limits limits_of_forms() {
    Limits limits = test::plain_limits();
    limits.unproven = UnprovenTreatment::soft;
    limits.ban_duration = 12h;
    limits.soft_ban_duration = 1h;
    limits.repeat_factor = 2;
    limits.ban_duration_max = 5h;
    limits.repeat_window = 48h;
    return limits;
}

class EngineFormsTest : public testing::Test {
 protected:
    explicit EngineFormsTest(Limits limits = limits_of_forms()) : engine(limits, {}) {}

    /// The ban that it leads to, and that is in force.
    Ban scan(std::uint32_t who = 1) {
        std::optional<Ban> ban;
        for (std::uint16_t port = 1; port <= 10; ++port) {
            ban = engine.on_probe(probe(source(who), port), now);
        }
        if (!ban) {
            ADD_FAILURE() << "no ban";
            return {};
        }
        engine.on_enforced(*ban, now);
        return *ban;
    }
    void let_expire() {
        now += 24h;
        static_cast<void>(engine.on_tick(now));
    }

    Time now = at(1h);
    Engine engine;
};

TEST_F(EngineFormsTest, WhatAnybodyCouldHaveSentBansSoftly) {
    const Ban ban = scan();
    EXPECT_TRUE(ban.soft);
    EXPECT_FALSE(ban.changed_form);
    EXPECT_EQ(ban.until, now + 1h);
    EXPECT_EQ(ban.offence, 1U);
    EXPECT_EQ(engine.counters().bans_soft, 1U);
}

TEST_F(EngineFormsTest, UnlessEveryBanIsToBeFull) {
    Limits limits = limits_of_forms();
    limits.unproven = UnprovenTreatment::full;
    engine = Engine(limits, {});
    const Ban ban = scan();
    EXPECT_FALSE(ban.soft);
    EXPECT_EQ(ban.until, now + 12h);
}

TEST_F(EngineFormsTest, WhoComesBackIsKeptOutLonger) {
    EXPECT_EQ(scan().until, now + 1h);
    let_expire();
    EXPECT_EQ(scan().until, now + 2h);
    let_expire();
    EXPECT_EQ(scan().until, now + 4h);
    let_expire();
    const Ban fourth = scan();
    EXPECT_EQ(fourth.until, now + 5h) << "the longest";
    EXPECT_EQ(fourth.offence, 4U);
    EXPECT_EQ(scan(2).until, now + 1h) << "another source";
    now += 48h + 1ns;
    static_cast<void>(engine.on_tick(now));
    EXPECT_EQ(scan().until, now + 1h) << "long ago is never";
}

TEST_F(EngineFormsTest, OffencesKnownFromBeforeCount) {
    engine.remember_offences(alone(1), 2, now - 2h);
    EXPECT_EQ(scan().offence, 3U);
}

TEST_F(EngineFormsTest, AnAdoptedBanKeepsItsFormAndItsOffence) {
    engine.remember_offences(alone(1), 2, now - 2h);
    ASSERT_TRUE(engine.adopt({.source = alone(1), .until = now + 1h, .soft = true}, now));
    const auto record = engine.ban_of(alone(1), now);
    ASSERT_TRUE(record);
    EXPECT_TRUE(record->ban.soft);
    EXPECT_EQ(record->ban.offence, 2U);
}

TEST_F(EngineFormsTest, ProofMakesASoftBanFull) {
    const Time since = now;
    scan();
    now += 10s;
    const auto full = engine.on_proven(source(1), now);
    ASSERT_TRUE(full);
    EXPECT_FALSE(full->soft);
    EXPECT_TRUE(full->changed_form) << "the soft one in the kernel goes";
    EXPECT_EQ(full->until, since + 12h);
    EXPECT_TRUE(engine.on_enforced(*full, now)) << "which is news";
    EXPECT_FALSE(engine.wanted(now).front().changed_form) << "done";
    EXPECT_TRUE(engine.ban_of(alone(1), now)->evidence.is_proven);
    EXPECT_FALSE(engine.on_proven(source(1), now)) << "nothing left to do";
}

TEST_F(EngineFormsTest, ProofChangesNothingForOthers) {
    EXPECT_FALSE(engine.on_proven(source(1), now)) << "not banned";
    scan();
    now += 1h;
    EXPECT_FALSE(engine.on_proven(source(1), now)) << "its ban is over";
}

TEST_F(EngineFormsTest, AnOutcomeOfTheSoftBanIsNotTheFullOnes) {
    const Ban soft = scan();
    const auto full = engine.on_proven(source(1), now);
    ASSERT_TRUE(full);
    EXPECT_FALSE(engine.on_enforced(soft, now));
    EXPECT_TRUE(engine.wanted(now).front().changed_form) << "the full one is still to come";
}

TEST_F(EngineFormsTest, AnOrderMakesASoftBanFull) {
    scan();
    const Engine::BanOrder order = engine.order_ban(alone(1), std::nullopt, now);
    ASSERT_TRUE(order.ban);
    EXPECT_EQ(order.result, OrderResult::done);
    EXPECT_FALSE(order.ban->soft);
    EXPECT_TRUE(order.ban->changed_form);
    EXPECT_EQ(order.ban->until, now + 12h);
    EXPECT_EQ(order.ban->reason, BanReason::by_operator);
    engine.on_enforced(*order.ban, now);
    EXPECT_EQ(engine.order_ban(alone(1), std::nullopt, now).result, OrderResult::already);
}

TEST_F(EngineFormsTest, AnOrderWithATimeMakesItFullForThatTime) {
    scan();
    const Engine::BanOrder order = engine.order_ban(alone(1), 10min, now);
    ASSERT_TRUE(order.ban);
    EXPECT_FALSE(order.ban->soft);
    EXPECT_EQ(order.ban->until, now + 10min);
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// The engine thread over an enforcer that a test scripts: what is retried, rebuilt, put back.
#include "daemon/engine_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "daemon/engine_loop_world.hpp"

namespace farewell::daemon {
namespace {

TEST_F(EngineLoopTest, ProbesOfSeveralRingsAreOneSource) {
    scan(1);
    EXPECT_TRUE(wait_held(1));
    EXPECT_EQ(ask([](EngineLoop& running) { return running.engine().counters().bans_enforced; }), 1U);
}

TEST_F(EngineLoopTest, TheHistoryIsToldOfBansWithTheirEvidenceRepairsAndUnbans) {
    scan(1);
    ASSERT_TRUE(wait_held(1));
    ask([&](EngineLoop& running) {
        kernel->held.clear();
        running.verify("nft (process 7)");
        kernel->is_there = false;
        running.verify("");
        EXPECT_TRUE(running.unban(alone(1)));
        return 0;
    });
    ask([&](EngineLoop&) {
        EXPECT_EQ(recorded.size(), 4U);
        if (recorded.size() != 4) {
            return 0;
        }
        const auto& banned = std::get<history::Banned>(recorded[0].what);
        EXPECT_EQ(banned.ban.source, alone(1));
        EXPECT_GE(banned.evidence.ports.size(), 5U) << "a burst";
        const auto& repaired = std::get<history::Repaired>(recorded[1].what);
        EXPECT_FALSE(repaired.rebuilt);
        EXPECT_EQ(repaired.bans, 1U);
        EXPECT_EQ(repaired.by, "nft (process 7)");
        EXPECT_TRUE(std::get<history::Repaired>(recorded[2].what).rebuilt);
        EXPECT_EQ(std::get<history::Unbanned>(recorded[3].what).unban.reason, core::UnbanReason::by_operator);
        return 0;
    });
}

TEST_F(EngineLoopTest, TheHistoryHearsOfABanOnlyOnceTheKernelHasIt) {
    ask([&](EngineLoop& running) {
        kernel->refuses = {alone(1)};
        EXPECT_FALSE(running.ban(alone(1), 1h));
        EXPECT_TRUE(recorded.empty());
        kernel->refuses.clear();
        return 0;
    });
    ASSERT_TRUE(wait_held(1));
    EXPECT_EQ(ask([&](EngineLoop&) { return recorded.size(); }), 1U);
}

TEST_F(EngineLoopTest, TheHistoryHearsOfTheBudgetBeingSpent) {
    core::Limits limits;
    limits.bans_per_minute = 1;
    ASSERT_TRUE(ask([&](EngineLoop& running) { return running.reconfigure(limits, {}).has_value(); }));
    for (std::uint32_t who = 1; who <= 8; ++who) {
        scan(who);
    }
    const auto is_told = [&] {
        return ask([&](EngineLoop&) {
            return std::ranges::any_of(recorded, [](const history::Event& event) {
                const auto* spent = std::get_if<history::BudgetSpent>(&event.what);
                return spent != nullptr && spent->bans_per_minute == 1;
            });
        });
    };
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!is_told()) {
        ASSERT_LT(std::chrono::steady_clock::now(), limit);
        std::this_thread::yield();
    }
}

TEST_F(EngineLoopTest, WhatIsCountedOfABanIsForgottenWhenItEnds) {
    ask([](EngineLoop& running) { return running.ban(alone(1), 1ms) && running.ban(alone(2), 1h); });
    EXPECT_TRUE(wait_for([](const FakeEnforcer& held) { return held.forgotten == std::vector{alone(1)}; }));
}

TEST_F(EngineLoopTest, BansThatEndTogetherEndInParts) {
    constexpr std::uint32_t kBans = 1'000;
    ask([](EngineLoop& running) {
        std::vector<BanRequest> requests;
        for (std::uint32_t who = 1; who <= kBans; ++who) {
            requests.push_back({.source = alone(who), .duration = 1ms, .note = ""});
        }
        return running.import(requests).size();
    });
    EXPECT_TRUE(wait_for([](const FakeEnforcer& held) { return held.forgotten.size() == kBans; }));
    EXPECT_LE(ask([this](EngineLoop&) { return kernel->forgotten_at_once; }), kBans / 4)
        << "nobody else would get to work meanwhile";
}

TEST_F(EngineLoopTest, BansTakenOutByOthersAreBackAtOnceWithTheTimeTheyHad) {
    ask([&](EngineLoop& running) {
        for (const std::uint32_t who : {1U, 2U, 3U}) {
            EXPECT_TRUE(running.ban(alone(who), 12h));
        }
        const auto before = running.verified();
        kernel->held.erase(alone(1));
        kernel->held[alone(2)] = 1s;     // as good as gone
        kernel->held[alone(3)] -= 10ms;  // a clock's whim
        const auto third = kernel->held[alone(3)];
        kernel->held[alone(9)] = 1h;  // somebody else's; not ours to judge
        running.verify("nft (process 7)");
        EXPECT_EQ(running.repairs(), 1U);
        EXPECT_NEAR(std::chrono::duration<double>(kernel->held[alone(1)]).count(), 12 * 3600, 60);
        EXPECT_NEAR(std::chrono::duration<double>(kernel->held[alone(2)]).count(), 12 * 3600, 60);
        EXPECT_EQ(kernel->held[alone(3)], third);
        EXPECT_TRUE(kernel->held.contains(alone(9)));
        EXPECT_GT(running.verified(), before);
        running.verify("");
        EXPECT_EQ(running.repairs(), 1U) << "nothing was missing";
        EXPECT_EQ(kernel->builds, 0);
        return 0;
    });
}

TEST_F(EngineLoopTest, WhatBansHaveLeftIsCountedFromWhenTheKernelIsReady) {
    ask([&](EngineLoop& running) {
        EXPECT_TRUE(running.ban(alone(1), 12h));
        kernel->held.clear();
        kernel->is_there = false;
        kernel->takes = 50ms;
        running.verify("");
        EXPECT_EQ(kernel->builds, 1);
        EXPECT_TRUE(kernel->held.contains(alone(1)));
        kernel->takes = 2100ms;  // longer than what a clock's whim may be
        running.verify("");
        EXPECT_EQ(running.repairs(), 1U) << "a slow answer is nobody's change";
        return 0;
    });
}

TEST_F(EngineLoopTest, ATableChangedByOthersIsRebuiltBeforeAnybodyComes) {
    scan(1);
    ASSERT_TRUE(wait_held(1));
    ask([&](EngineLoop& running) {
        kernel->held.clear();
        kernel->is_there = false;
        running.verify("");
        EXPECT_EQ(kernel->builds, 1);
        EXPECT_TRUE(kernel->held.contains(alone(1)));
        return 0;
    });
}

TEST_F(EngineLoopTest, OneBanThatTheKernelHasNoRoomForDoesNotKeepTheOthersOut) {
    ask([&](EngineLoop& running) {
        for (std::uint32_t who = 1; who <= 20; ++who) {
            EXPECT_TRUE(running.ban(alone(who), 12h));
        }
        kernel->refuses = {alone(7)};
        kernel->held.clear();
        kernel->is_there = false;
        running.verify("");
        EXPECT_EQ(kernel->held.size(), 19U);
        EXPECT_FALSE(kernel->held.contains(alone(7)));
        EXPECT_EQ(running.refused(), 1U);
        kernel->refuses.clear();
        return 0;
    });
    EXPECT_TRUE(wait_held(7)) << "it is tried again";
}

TEST_F(EngineLoopTest, AChangeThatCannotBeLookedAtIsLookedAtLater) {
    scan(1);
    ASSERT_TRUE(wait_held(1));
    ask([&](EngineLoop& running) {
        kernel->is_dumb = true;
        kernel->held.clear();
        running.verify("nft (process 7)");
        EXPECT_TRUE(kernel->held.empty());
        kernel->is_dumb = false;
        return 0;
    });
    EXPECT_TRUE(wait_held(1)) << "within a second or so";
}

TEST_F(EngineLoopTest, ATableThatIsGoneIsRebuiltWithEveryWantedBan) {
    scan(1);
    ASSERT_TRUE(wait_held(1));
    ask([&](EngineLoop&) {
        kernel->held.clear();
        kernel->is_there = false;
        return 0;
    });
    scan(2);
    EXPECT_TRUE(wait_held(2));
    EXPECT_TRUE(wait_held(1));
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.repairs(); }), 1U);
    EXPECT_EQ(kernel->builds, 1);
}

TEST_F(EngineLoopTest, ABanThatIsQuickerThanTheNewsOfAMissingTableStillNamesWhoDidIt) {
    ask([&](EngineLoop&) {
        kernel->is_there = false;
        return 0;
    });
    scan(1);
    ASSERT_TRUE(wait_held(1));
    ask([&](EngineLoop& running) {
        running.verify("nft (process 7)");
        EXPECT_EQ(running.last_repair()->by, "nft (process 7)");
        const auto rebuilt = std::ranges::find_if(recorded, [](const history::Event& event) {
            const auto* repaired = std::get_if<history::Repaired>(&event.what);
            return repaired != nullptr && repaired->rebuilt;
        });
        EXPECT_NE(rebuilt, recorded.end());
        EXPECT_EQ(std::get<history::Repaired>(rebuilt->what).by, "nft (process 7)");
        return 0;
    });
}

TEST_F(EngineLoopTest, OneThatIsRefusedKeepsNobodyElseOutAndIsRetried) {
    ask([&](EngineLoop&) { return kernel->refuses.insert(alone(1)).second; });
    for (std::uint16_t port = 1; port <= 10; ++port) {
        for (std::uint32_t who = 1; who <= 3; ++who) {  // all decided within one burst
            ASSERT_TRUE(rings[0].push({.probe = probe(source(who), port), .at = boot_now()}));
        }
    }
    loop->on_probes();
    EXPECT_TRUE(wait_held(2));
    EXPECT_TRUE(wait_held(3));
    EXPECT_FALSE(ask([&](EngineLoop& running) { return running.trouble().empty(); }));
    ask([&](EngineLoop&) { return kernel->refuses.erase(alone(1)); });
    EXPECT_TRUE(wait_held(1)) << "by itself, without another probe";
    EXPECT_TRUE(ask([&](EngineLoop& running) { return running.trouble().empty(); }));
}

/// Nobody runs the engine thread here: whoever receives is alone.
TEST_F(EngineLoopTest, OrdersAreCarriedOutBeforeTheyAreAnswered) {
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.ban(alone(7), 1h).value(); }),
              core::OrderResult::done);
    EXPECT_TRUE(ask([&](EngineLoop&) { return kernel->held.contains(alone(7)); }));
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.unban(alone(7)).value(); }),
              core::OrderResult::done);
    EXPECT_TRUE(ask([&](EngineLoop&) { return kernel->held.empty(); }));
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.unban(alone(7)).value(); }),
              core::OrderResult::not_banned);
    ask([&](EngineLoop&) { return kernel->refuses.insert(alone(8)).second; });
    EXPECT_FALSE(ask([&](EngineLoop& running) { return running.ban(alone(8), 1h).has_value(); }));
}

TEST_F(EngineLoopTest, ANetworkIsBannedRebuiltAndLiftedLikeAnAddress) {
    const core::Prefix around = core::Prefix::of(source(7), 24);
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.ban(around, 1h).value(); }),
              core::OrderResult::done);
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.ban(alone(7), 30min).value(); }),
              core::OrderResult::already);
    ask([&](EngineLoop&) {
        kernel->held.clear();
        kernel->is_there = false;
        return 0;
    });
    scan(1000);
    EXPECT_TRUE(wait_held(1000));
    EXPECT_TRUE(ask([&](EngineLoop&) { return kernel->held.contains(around); })) << "rebuilt";
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.unban(alone(7)).value(); }),
              core::OrderResult::covered);
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.unban(around).value(); }),
              core::OrderResult::done);
    EXPECT_FALSE(ask([&](EngineLoop&) { return kernel->held.contains(around); }));
}

std::shared_ptr<const core::Knowledge> with_gateway(std::uint32_t who) {
    core::Knowledge::Facts facts;
    facts.gateways = {source(who)};
    return std::make_shared<const core::Knowledge>(facts);
}

TEST_F(EngineLoopTest, WhoBecomesTheGatewayIsLetInAndStaysIn) {
    scan(1);
    scan(2);
    ASSERT_TRUE(wait_held(1));
    ASSERT_TRUE(wait_held(2));
    loop->post([](EngineLoop& running) { running.set_knowledge(with_gateway(1)); });
    EXPECT_FALSE(ask([&](EngineLoop&) { return kernel->held.contains(alone(1)); }));
    EXPECT_TRUE(ask([&](EngineLoop&) { return kernel->held.contains(alone(2)); }));
    EXPECT_EQ(ask([&](EngineLoop&) { return kernel->allowed; }), (std::vector<core::Prefix>{alone(1)}));
    EXPECT_EQ(ask([&](EngineLoop& running) { return running.ban(alone(1), 1h).value(); }),
              core::OrderResult::protected_address);
    EXPECT_TRUE(ask([&](EngineLoop& running) { return running.reconfigure({}, {alone(9)}).has_value(); }));
    EXPECT_EQ(ask([&](EngineLoop&) { return kernel->allowed.size(); }), 2U) << "a new allowlist keeps it too";
}

TEST_F(EngineLoopTest, AKernelThatKeepsTheGatewayOutIsAskedAgain) {
    scan(1);
    ASSERT_TRUE(wait_held(1));
    ask([&](EngineLoop&) { return kernel->keeps_out = true; });
    loop->post([](EngineLoop& running) { running.set_knowledge(with_gateway(1)); });
    EXPECT_TRUE(ask([&](EngineLoop&) { return kernel->held.contains(alone(1)); }));
    ask([&](EngineLoop&) { return kernel->keeps_out = false; });
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (ask([&](EngineLoop&) { return kernel->held.contains(alone(1)); })) {
        ASSERT_LT(std::chrono::steady_clock::now(), limit) << "by itself, within a second or so";
        std::this_thread::yield();
    }
}

TEST_F(EngineLoopTest, ATableGoneWhenTheGatewayIsToldIsRebuiltWithoutIt) {
    scan(1);
    scan(2);
    ASSERT_TRUE(wait_held(1));
    ASSERT_TRUE(wait_held(2));
    ask([&](EngineLoop&) {
        kernel->held.clear();
        return kernel->is_there = false;
    });
    loop->post([](EngineLoop& running) { running.set_knowledge(with_gateway(1)); });
    EXPECT_TRUE(wait_held(2));
    EXPECT_FALSE(ask([&](EngineLoop&) { return kernel->held.contains(alone(1)); }));
    EXPECT_EQ(kernel->builds, 1);
}

TEST_F(EngineLoopTest, WhatIsInTheRingsAtTheEndIsStillJudged) {
    scan(1);
    thread.request_stop();
    thread.join();
    EXPECT_TRUE(kernel->held.contains(alone(1)));
}

}  // namespace
}  // namespace farewell::daemon

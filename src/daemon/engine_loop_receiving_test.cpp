// SPDX-License-Identifier: GPL-2.0-or-later
// What a receiving thread does by itself, and what it leaves to the engine thread.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "daemon/engine_loop_world.hpp"

namespace farewell::daemon {
namespace {

class ReceivingThreadTest : public EngineLoopTest {
 protected:
    ReceivingThreadTest() { thread = {}; }
    void run_for_a_moment() {
        thread = std::jthread([this](const std::stop_token& stop) { loop->run(stop); });
        ask([](EngineLoop&) { return 0; });
        thread = {};
    }
};

TEST_F(ReceivingThreadTest, JudgesAndBansByItselfAndLeavesTheNewsToTheEngineThread) {
    scan(1);
    EXPECT_TRUE(kernel->held.contains(alone(1)));
    EXPECT_EQ(loop->engine().counters().bans_enforced, 1U);
    EXPECT_TRUE(recorded.empty());
    run_for_a_moment();
    ASSERT_EQ(recorded.size(), 1U);
    EXPECT_EQ(std::get<history::Banned>(recorded[0].what).ban.source, alone(1));
}

TEST_F(ReceivingThreadTest, BansWhileTheEngineThreadTellsOfAnotherBan) {
    std::atomic<bool> is_told = false;
    std::atomic<bool> may_go_on = false;
    on_record = [&] {
        is_told = true;
        is_told.notify_all();
        may_go_on.wait(false);
    };
    scan(1);
    thread = std::jthread([this](const std::stop_token& stop) { loop->run(stop); });
    is_told.wait(false);
    scan(2);
    EXPECT_TRUE(kernel->held.contains(alone(2))) << "the log and the history keep nobody from banning";
    may_go_on = true;
    may_go_on.notify_all();
    thread = {};
}

TEST_F(ReceivingThreadTest, BansWhileTheEngineThreadTellsOfABanOfItsOwn) {
    std::atomic<bool> is_busy = false;
    std::atomic<bool> may_judge = false;
    std::atomic<bool> is_told = false;
    std::atomic<bool> may_go_on = false;
    const auto wait_for = [](std::atomic<bool>& what) { what.wait(false); };
    const auto make = [](std::atomic<bool>& what) {
        what = true;
        what.notify_all();
    };
    on_record = [&] {
        make(is_told);
        wait_for(may_go_on);
    };
    thread = std::jthread([this](const std::stop_token& stop) { loop->run(stop); });
    loop->post([&](EngineLoop&) {
        make(is_busy);
        wait_for(may_judge);
    });
    wait_for(is_busy);
    scan(1);  // leaves it all to the engine thread, which is at work
    EXPECT_FALSE(kernel->held.contains(alone(1)));
    make(may_judge);
    wait_for(is_told);
    scan(2);
    EXPECT_TRUE(kernel->held.contains(alone(2))) << "whoever bans, the news keep nobody from banning";
    make(may_go_on);
    thread = {};
}

TEST_F(ReceivingThreadTest, LeavesWhatTheKernelDoesNotTakeToTheEngineThread) {
    kernel->is_there = false;
    scan(1);
    EXPECT_TRUE(kernel->held.empty());
    EXPECT_EQ(kernel->builds, 0) << "a repair may take long";
    run_for_a_moment();
    EXPECT_EQ(kernel->builds, 1);
    EXPECT_TRUE(kernel->held.contains(alone(1)));
    EXPECT_EQ(recorded.size(), 2U) << "the ban, and the repair";
}

}  // namespace
}  // namespace farewell::daemon

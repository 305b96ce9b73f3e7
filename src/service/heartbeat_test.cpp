// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/heartbeat.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace farewell::service {
namespace {

using Rounds = std::vector<std::uint64_t>;
using testing::ElementsAre;

TEST(Heartbeat, BeatsWhenEveryThreadHasMoved) {
    Heartbeat heart;
    EXPECT_TRUE(heart.have_all_come_round(Rounds{1, 1}));
    EXPECT_FALSE(heart.have_all_come_round(Rounds{1, 1}));
    EXPECT_FALSE(heart.have_all_come_round(Rounds{2, 1}));
    EXPECT_THAT(heart.missing(), ElementsAre(1));
    EXPECT_TRUE(heart.have_all_come_round(Rounds{2, 2})) << "the first moved earlier, and that counts";
}

TEST(Heartbeat, AThreadThatNeverStartedIsMissing) {
    Heartbeat heart;
    EXPECT_FALSE(heart.have_all_come_round(Rounds{5, 0}));
    EXPECT_THAT(heart.missing(), ElementsAre(1));
}

TEST(Heartbeat, StopsForAThreadThatIsBlockedAndComesBackWithIt) {
    std::mutex door;
    std::unique_lock shut(door);
    std::atomic<std::uint64_t> rounds{0};
    std::atomic<bool> stop{false};
    std::thread blocked([&] {
        while (!stop) {
            ++rounds;
            const std::scoped_lock wait(door);
        }
    });
    while (rounds == 0) {
        std::this_thread::yield();
    }
    Heartbeat heart;
    EXPECT_TRUE(heart.have_all_come_round(Rounds{rounds}));
    for (std::uint64_t i = 0; i < 3; ++i) {
        EXPECT_FALSE(heart.have_all_come_round(Rounds{rounds}));
    }
    stop = true;
    shut.unlock();
    blocked.join();
    ++rounds;  // it went on
    EXPECT_TRUE(heart.have_all_come_round(Rounds{rounds}));
}

}  // namespace
}  // namespace farewell::service

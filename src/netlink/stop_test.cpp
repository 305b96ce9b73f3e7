// SPDX-License-Identifier: MIT
#include <farewell/stop.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>

namespace farewell {
namespace {

bool stops_within(const std::stop_token& token, std::chrono::seconds limit) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, token, limit, [] { return false; });
    return token.stop_requested();
}

/// What is left of a signal when the test is over must not be left in the process of the tests.
int exit_status_of(void (*body)()) {
    const pid_t child = fork();
    if (child == 0) {
        body();
        std::_Exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

TEST(StopOnSignals, TheFirstIsAStop) {
    const int status = exit_status_of([] {
        const std::stop_token token = stop_on_signals();
        kill(getpid(), SIGTERM);
        std::_Exit(stops_within(token, std::chrono::seconds(10)) ? 7 : 1);
    });
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(StopOnSignals, NoneIsNoStop) {
    const int status = exit_status_of([] {
        const std::stop_token token = stop_on_signals({SIGUSR1});
        std::_Exit(token.stop_possible() && !token.stop_requested() ? 7 : 1);
    });
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(StopOnSignals, TheSecondEndsTheProgram) {
    const int status = exit_status_of([] {
        const std::stop_token token = stop_on_signals();
        kill(getpid(), SIGINT);
        if (stops_within(token, std::chrono::seconds(10))) {
            kill(getpid(), SIGTERM);
            alarm(10);
            pause();
        }
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace farewell

// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <functional>
#include <string>

namespace farewell::service {
namespace {

using testing::EndsWith;
using testing::MatchesRegex;

/// Where stderr is not the journal's.
class EventLogTest : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        unsetenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe)
        set_up_log();                // once a process
    }
    /// What comes to stderr.
    static std::string written(const std::function<void()>& log) {
        testing::internal::CaptureStderr();
        log();
        return testing::internal::GetCapturedStderr();
    }
    static std::string written(const std::string& line) {
        return written([&line] { log_event(kRepaired, spdlog::level::warn, line); });
    }
};

TEST_F(EventLogTest, ALineHasItsTimeAndLevel) {
    EXPECT_THAT(written("the table is back"),
                MatchesRegex("....-..-.. ..:..:..\\.... warning the table is back\n"));
}

TEST_F(EventLogTest, ALineSteersNoTerminalAndIsNoSecondLine) {
    EXPECT_THAT(written("changed by \033[2Jnft\n2026-01-01 00:00:00.000 info    all is well"),
                EndsWith(R"(changed by \x1b[2Jnft\x0a2026-01-01 00:00:00.000 info    all is well)"
                         "\n"));
}

TEST_F(EventLogTest, OrdinaryLinesOfTheProgramTakeTheSameWay) {
    EXPECT_THAT(written([] { spdlog::error("taken by process 812 ({})", "\033c"); }),
                EndsWith("taken by process 812 (\\x1bc)\n"));
}

}  // namespace
}  // namespace farewell::service

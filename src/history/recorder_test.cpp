// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "history/test_records.hpp"

namespace farewell::history {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::prefix;
using test::texts;
using testing::ElementsAre;
using testing::HasSubstr;

/// The core's clock began at midnight of 2026-01-01.
std::chrono::system_clock::time_point wall(core::Time time) {
    return at(0) + time.time_since_epoch();
}

Event event(int seconds, decltype(Event::what) what) {
    return {.at = core::Time(std::chrono::seconds(seconds)), .observed = false, .what = std::move(what)};
}

Banned banned(const std::string& source, int until) {
    core::Evidence evidence;
    evidence.ports.push_back({.port = {.protocol = 6, .number = 23},
                              .rule = core::Rule::syn,
                              .weight = 4,
                              .seen = core::Time(1s)});
    evidence.distinct = 10;
    return {.ban = {.source = prefix(source), .until = core::Time(std::chrono::seconds(until))},
            .evidence = evidence};
}

class RecorderTest : public testing::Test {
 protected:
    Recorder::Settings settings() {
        return {.file = folder.file(),
                .bounds = {.age = std::chrono::hours(24 * 366 * 100)},
                .wall_clock = wall,
                .tell =
                    [this](Tone /*tone*/, const std::string& line) {
                        const std::scoped_lock lock(mutex);
                        lines.push_back(line);
                    },
                .retry_every = 10ms};
    }
    std::vector<std::string> told() {
        const std::scoped_lock lock(mutex);
        return lines;
    }
    static std::vector<Record> events_of(Recorder& recorder) {
        std::promise<std::vector<Record>> answer;
        EXPECT_TRUE(
            recorder.ask([&](Archive& archive) { answer.set_value(archive.events({.max = 100'000})); }));
        return answer.get_future().get();
    }
    template <typename Condition>
    static bool wait_until(Condition condition) {
        const auto limit = std::chrono::steady_clock::now() + 20s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > limit) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }

    test::TemporaryFolder folder;
    std::mutex mutex;
    std::vector<std::string> lines;
};

TEST_F(RecorderTest, WhatWasPostedIsAnsweredAndKept) {
    {
        Recorder recorder(settings());
        recorder.post(event(10, banned("198.18.0.1", 3610)));
        recorder.post(
            event(20, Unbanned{{.source = prefix("198.18.0.1"), .reason = core::UnbanReason::by_operator}}));
        recorder.post(event(30, Repaired{.rebuilt = true, .bans = 3, .by = "nft (process 7)"}));
        recorder.post(event(40, BudgetSpent{.bans_per_minute = 1000}));
        recorder.post(event(50, BansResumed{.withheld = 12}));
        recorder.post(event(60, Imported{.bans = 7}));
        EXPECT_TRUE(wait_until([&] { return recorder.status().events == 6; }));
    }
    Recorder recorder(settings());
    const auto kept = events_of(recorder);
    EXPECT_THAT(texts(kept), ElementsAre("ban 198.18.0.1@10", "unban 198.18.0.1@20", "repair -@30",
                                         "budget_spent -@40", "bans_resumed -@50", "imported -@60"));
    const auto ban = to_json(kept[0]);
    EXPECT_EQ(ban.at("schema"), "farewell/event/v1");
    EXPECT_EQ(ban.at("at"), "2026-01-01T00:00:10.000Z");
    EXPECT_EQ(ban.at("until"), "2026-01-01T01:00:10.000Z");
    EXPECT_EQ(ban.at("ports").at(0).at("port"), "tcp/23");
    EXPECT_EQ(ban.at("ports").at(0).at("kind"), "syn");
    EXPECT_EQ(ban.at("evidence").at("distinct"), 10);
    EXPECT_EQ(to_json(kept[1]).at("reason"), "by_operator");
    EXPECT_EQ(to_json(kept[2]).at("by"), "nft (process 7)");
    EXPECT_EQ(to_json(kept[3]).at("bans_per_minute"), 1000);
    EXPECT_EQ(to_json(kept[4]).at("withheld"), 12);
    EXPECT_EQ(to_json(kept[5]).at("bans"), 7);
}

TEST_F(RecorderTest, WhatIsPostedBeforeTheEndIsKept) {
    {
        Recorder recorder(settings());
        for (int i = 0; i < 1000; ++i) {
            recorder.post(event(i, banned("198.18.0.1", i + 3600)));
        }
        recorder.stop();
    }
    Recorder recorder(settings());
    EXPECT_EQ(events_of(recorder).size(), 1000U);
}

TEST_F(RecorderTest, ARecorderThatIsBehindDropsAndCountsAndHoldsNobodyUp) {
    Recorder recorder(settings());
    std::promise<void> go_on;
    std::promise<void> is_stuck;
    ASSERT_TRUE(recorder.ask([&](Archive&) {  // as a disk that hangs would
        is_stuck.set_value();
        go_on.get_future().wait();
    }));
    is_stuck.get_future().wait();
    for (std::size_t i = 0; i < EventQueue::kCapacity + 5; ++i) {
        recorder.post(event(1, banned("198.18.0.1", 3600)));
    }
    EXPECT_EQ(recorder.status().dropped, 5U);
    for (std::size_t i = 0; i < Recorder::kQuestionsMax; ++i) {
        EXPECT_TRUE(recorder.ask([](Archive&) {}));
    }
    EXPECT_FALSE(recorder.ask([](Archive&) {}));
    go_on.set_value();
    EXPECT_TRUE(wait_until([&] { return recorder.status().events == EventQueue::kCapacity; }));
}

TEST_F(RecorderTest, WhatIsPostedGathersUntilSomebodyAsks) {
    Recorder::Settings patient = settings();
    patient.gather_for = 1h;
    Recorder recorder(patient);
    EXPECT_TRUE(events_of(recorder).empty()) << "its thread has begun, and waits next";
    constexpr std::size_t kPosted = Recorder::kGatherMost / 2;
    for (std::size_t i = 0; i < kPosted; ++i) {
        recorder.post(event(1, banned("198.18.0.1", 3600)));
        std::this_thread::yield();
    }
    EXPECT_EQ(recorder.status().events, 0U);
    EXPECT_EQ(events_of(recorder).size(), kPosted);
}

TEST_F(RecorderTest, WhatIsPostedGathersUntilThereIsMuch) {
    Recorder::Settings patient = settings();
    patient.gather_for = 1h;
    Recorder recorder(patient);
    EXPECT_TRUE(events_of(recorder).empty()) << "its thread has begun, and waits next";
    for (std::size_t i = 0; i < Recorder::kGatherMost; ++i) {
        recorder.post(event(1, banned("198.18.0.1", 3600)));
    }
    EXPECT_TRUE(wait_until([&] { return recorder.status().events == Recorder::kGatherMost; }));
}

TEST_F(RecorderTest, ItsThreadGivesWay) {
    const int here = getpriority(PRIO_PROCESS, 0);
    Recorder recorder(settings());
    std::promise<int> there;
    ASSERT_TRUE(recorder.ask([&](Archive&) { there.set_value(getpriority(PRIO_PROCESS, 0)); }));
    EXPECT_EQ(there.get_future().get(), std::max(here, Recorder::kNice));
}

TEST_F(RecorderTest, ItTriesAgainByItself) {
    std::filesystem::create_directory(folder.file());
    Recorder recorder(settings());
    recorder.post(event(1, banned("198.18.0.1", 3600)));
    EXPECT_TRUE(wait_until([&] { return recorder.status().waiting == 1; }));
    EXPECT_THAT(recorder.status().trouble, HasSubstr("Is a directory"));
    std::filesystem::remove(folder.file());
    EXPECT_TRUE(wait_until([&] { return recorder.status().trouble.empty(); }));
    EXPECT_EQ(recorder.status().waiting, 0U);
    EXPECT_THAT(told(), ElementsAre(HasSubstr("in memory only"), HasSubstr("again")));
}

TEST_F(RecorderTest, NewBoundsAreTakenOver) {
    Recorder recorder(settings());
    recorder.post(event(1, banned("198.18.0.1", 3600)));
    EXPECT_TRUE(wait_until([&] { return recorder.status().events == 1; }));
    recorder.set_bounds({.size = std::size_t{1} << 20, .age = 1s});
    EXPECT_TRUE(wait_until([&] { return recorder.status().events == 0; }));
    EXPECT_EQ(recorder.status().bounds.size, std::size_t{1} << 20);
}

TEST_F(RecorderTest, EvidenceOfManyPortsIsCutButSaysHowManyThereWere) {
    Banned many = banned("198.18.0.1", 3600);
    many.evidence.ports.resize(5000, many.evidence.ports.front());
    many.evidence.distinct = 5000;
    many.evidence.companions.resize(5000);
    const Record record = record_of(event(1, many), wall);
    EXPECT_LT(record.detail.size(), 10'000U);
    EXPECT_EQ(to_json(record).at("ports").size(), kListedMax);
    EXPECT_EQ(to_json(record).at("evidence").at("distinct"), 5000);
}

}  // namespace
}  // namespace farewell::history

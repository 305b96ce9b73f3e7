// SPDX-License-Identifier: GPL-2.0-or-later
// Events made on a real engine thread, kept by a real recorder, followed by clients that a test scripts.
#include "daemon/event_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/clock.hpp"
#include "daemon/test_ask.hpp"
#include "enforce/observe_enforcer.hpp"
#include "history/test_records.hpp"
#include "report/address_text.hpp"
#include "scenario.hpp"

namespace farewell::daemon {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

/// A client that reads, or does not.
class FakeStream final : public AnswerStream {
 public:
    bool send(const json& parameters) override {
        if (!reads) {
            return false;
        }
        answers.push_back(parameters);
        return true;
    }
    void end(const json& /*answer*/) override {}
    void read_on() {
        reads = true;
        on_room_();
    }
    void hang_up() {
        reads = false;
        const auto closed = std::exchange(on_closed_, {});
        on_room_ = {};
        closed();
    }
    [[nodiscard]] std::vector<std::string> sources() const {
        std::vector<std::string> sources;
        for (const json& answer : answers) {
            sources.push_back(answer.value("source", answer.at("event").get<std::string>()));
        }
        return sources;
    }

    bool reads = true;
    std::vector<json> answers;
};

class EventFeedTest : public testing::Test {
 protected:
    void start(history::Recorder* recorder) {
        feed.emplace(context, loop, recorder);
        thread = std::jthread([this](const std::stop_token& stop) { loop.run(stop); });
    }
    void TearDown() override {
        thread.request_stop();
        thread.join();
    }
    history::Recorder::Settings settings() {
        return {.file = folder.file(), .bounds = {}, .wall_clock = wall_time, .tell = {}};
    }
    /// As if so many sources were let in again, in this order: 10.0.0.1 and so on.
    void happen(std::uint32_t first, std::uint32_t last, history::Recorder* recorder) {
        for (std::uint32_t number = first; number <= last; ++number) {
            loop.post([this, number, recorder](EngineLoop& /*loop*/) {
                const history::Event event{
                    .at = boot_now(),
                    .observed = false,
                    .what = history::Unbanned{{.source = test::alone(number),
                                               .reason = core::UnbanReason::by_operator}},
                    .number = ++events};
                feed->on_event(event);
                if (recorder != nullptr) {
                    recorder->post(event);
                }
            });
        }
    }
    std::shared_ptr<FakeStream> follow(const history::EventQuery& query = {.max = 1000}) {
        auto stream = std::make_shared<FakeStream>();
        feed->follow(query, stream);
        return stream;
    }
    template <typename Condition>
    [[nodiscard]] bool run_until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context.run_for(milliseconds(1));
        }
        return condition();
    }
    /// Until the engine thread has done all it was given, and what it handed over is here.
    void settle() {
        ask_on(loop, [](EngineLoop&) { return true; });
        context.run_for(milliseconds(1));
    }
    static std::vector<std::string> sources(std::uint32_t first, std::uint32_t last) {
        std::vector<std::string> texts;
        for (std::uint32_t number = first; number <= last; ++number) {
            texts.push_back(report::to_text(test::source(number)));
        }
        return texts;
    }

    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> more_may_come{
        context.get_executor()};
    EngineLoop loop{core::Engine({}, {}),
                    std::make_unique<enforce::ObserveEnforcer>(),
                    {.rings = {}, .allowlist = {}, .enforcer_name = "none"}};
    history::test::TemporaryFolder folder;
    std::optional<EventFeed> feed;
    std::uint64_t events = 0;  // engine thread
    std::jthread thread;
};

TEST_F(EventFeedTest, WhatWasThenWhatComesWithoutGapOrDoubling) {
    constexpr std::uint32_t kAll = 900;
    constexpr std::uint32_t kStep = 10;
    history::Recorder recorder(settings());
    start(&recorder);
    std::vector<std::shared_ptr<FakeStream>> streams;
    for (std::uint32_t made = 0; made < kAll; made += kStep) {
        happen(made + 1, made + kStep, &recorder);
        if (streams.size() < 10) {
            streams.push_back(follow());  // in the midst of it
        }
        context.run_for(milliseconds(0));
    }
    for (const auto& stream : streams) {
        EXPECT_TRUE(run_until([&] { return stream->answers.size() >= kAll; })) << stream->answers.size();
        EXPECT_EQ(stream->sources(), sources(1, kAll));
    }
}

TEST_F(EventFeedTest, WithoutAHistoryFromNowOn) {
    start(nullptr);
    happen(1, 3, nullptr);
    settle();
    const auto stream = follow();
    settle();
    happen(4, 5, nullptr);
    EXPECT_TRUE(run_until([&] { return stream->answers.size() == 2; }));
    EXPECT_EQ(stream->sources(), sources(4, 5));
}

TEST_F(EventFeedTest, OnlyAboutASource) {
    start(nullptr);
    const auto stream = follow({.source = test::alone(2)});
    settle();
    happen(1, 3, nullptr);
    EXPECT_TRUE(run_until([&] { return !stream->answers.empty(); }));
    EXPECT_EQ(stream->sources(), sources(2, 2));
}

TEST_F(EventFeedTest, OlderOnesThanAskedForAreMentioned) {
    history::Recorder recorder(settings());
    start(&recorder);
    happen(1, 5, &recorder);
    const auto stream = follow({.max = 2});
    EXPECT_TRUE(run_until([&] { return stream->answers.size() == 3; }));
    EXPECT_THAT(stream->sources(), ElementsAre("left_out", "10.0.0.4", "10.0.0.5"));
    EXPECT_EQ(stream->answers.front().at("reason"), "older");
}

TEST_F(EventFeedTest, WhatASlowClientMissedIsCountedAndSaid) {
    start(nullptr);
    const auto stream = follow();
    stream->reads = false;
    settle();
    constexpr std::uint32_t kAll = EventFeed::kWaitingMax + 10;
    for (std::uint32_t made = 0; made < kAll; made += 10) {
        happen(made + 1, made + 10, nullptr);
        settle();
    }
    stream->read_on();
    EXPECT_EQ(stream->answers.size(), EventFeed::kWaitingMax + 1);
    EXPECT_EQ(stream->answers.back().at("reason"), "behind");
    EXPECT_EQ(stream->answers.back().at("count"), 10);
    happen(5000, 5000, nullptr);
    EXPECT_TRUE(run_until([&] { return stream->sources().back() == "10.0.19.136"; }));
}

TEST_F(EventFeedTest, WhatOverflowsBetweenTheThreadsIsSaidToo) {
    start(nullptr);
    const auto stream = follow();
    settle();
    happen(1, history::EventQueue::kCapacity + 7, nullptr);  // before this thread looks once
    ask_on(loop, [](EngineLoop&) { return true; });
    EXPECT_TRUE(run_until([&] { return !stream->answers.empty(); }));
    EXPECT_EQ(stream->answers.back().at("count"),
              history::EventQueue::kCapacity - EventFeed::kWaitingMax + 7);
}

TEST_F(EventFeedTest, NothingIsQueuedWhenTheLastClientHasGone) {
    start(nullptr);
    const auto stream = follow();
    settle();
    stream->hang_up();
    settle();
    happen(1, 1, nullptr);
    settle();
    EXPECT_EQ(context.poll(), 0U) << "nothing for this thread to do";
    EXPECT_THAT(stream->answers, IsEmpty());
}

}  // namespace
}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// A real engine thread, watched by clients that a test scripts.
#include "daemon/watch_feed.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/clock.hpp"
#include "daemon/test_ask.hpp"
#include "enforce/observe_enforcer.hpp"
#include "scenario.hpp"

namespace farewell::daemon {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class FakeStream final : public AnswerStream {
 public:
    bool send(const json& parameters) override {
        if (reads) {
            answers.push_back(parameters);
        }
        return reads;
    }
    void end(const json& /*answer*/) override {}
    void hang_up() { std::exchange(on_closed_, {})(); }

    bool reads = true;
    std::vector<json> answers;
};

core::Arrival arrival(std::uint32_t who, std::uint16_t port, core::Time at) {
    return {.probe = test::probe(test::source(who), port), .at = at};
}

TEST(WatchTap, OfMoreProbesThanFitAFairSampleIsKeptInOrderAndTheRestCounted) {
    WatchTap tap;
    constexpr std::uint16_t kProbes = 60'000;
    for (std::uint16_t number = 0; number < kProbes; ++number) {
        tap.note(arrival(1, number, test::at(std::chrono::microseconds(number))));
    }
    const WatchTap::Taken taken = tap.take();
    EXPECT_EQ(taken.probes_seen, kProbes);
    ASSERT_EQ(taken.probes.size(), WatchTap::kProbesMax);
    std::array<std::size_t, 4> quarters{};
    for (std::size_t i = 0; i < taken.probes.size(); ++i) {
        ++quarters.at(taken.probes[i].port.number / (kProbes / 4));
        EXPECT_TRUE(i == 0 || taken.probes[i - 1].at < taken.probes[i].at);
    }
    for (const std::size_t quarter : quarters) {
        EXPECT_GT(quarter, WatchTap::kProbesMax / 8) << "early and late ones alike";
    }
    EXPECT_EQ(tap.take().probes_seen, 0U);
}

TEST(WatchTap, ChangesAreBansAndUnbansAndBounded) {
    WatchTap tap;
    for (std::size_t i = 0; i < WatchTap::kChangesMax + 3; ++i) {
        tap.note(history::Event{.at = {}, .what = history::Unbanned{{.source = test::alone(7)}}});
    }
    tap.note(history::Event{.at = {}, .what = history::BudgetSpent{}});
    const WatchTap::Taken taken = tap.take();
    EXPECT_EQ(taken.changes.size(), WatchTap::kChangesMax);
    EXPECT_EQ(taken.changes_seen, WatchTap::kChangesMax + 3);
    EXPECT_EQ(taken.changes.front().source, test::alone(7));
    EXPECT_EQ(taken.changes.front().reason, "expired");
}

class WatchFeedTest : public testing::Test {
 protected:
    WatchFeedTest() : thread([this](const std::stop_token& stop) { loop.run(stop); }) {}

    std::shared_ptr<FakeStream> follow() {
        auto stream = std::make_shared<FakeStream>();
        feed.follow(stream);
        return stream;
    }
    void probe(std::uint32_t who, std::uint16_t first, std::uint16_t last) {
        for (std::uint16_t port = first; port <= last; ++port) {
            ASSERT_TRUE(ring.push(arrival(who, port, boot_now())));
        }
        loop.on_probes();
    }
    template <typename Condition>
    [[nodiscard]] bool run_until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context.run_for(1ms);
            context.restart();
        }
        return condition();
    }

    boost::asio::io_context context{1};
    source::ProbeRing ring;
    EngineLoop loop{core::Engine({}, {}),
                    std::make_unique<enforce::ObserveEnforcer>(),
                    {.rings = {&ring}, .allowlist = {}, .enforcer_name = "none"}};
    std::uint64_t received = 0;
    WatchFeed feed{context, loop, {.observing = false, .started = {}, .packets = [this] {
                                       return PacketFacts{.received = received};
                                   }}};
    std::jthread thread;
};

TEST_F(WatchFeedTest, APictureHasProbesSourcesBansAndChanges) {
    const auto stream = follow();
    ASSERT_TRUE(run_until([&] { return !stream->answers.empty(); })) << "the first one comes at once";
    EXPECT_EQ(stream->answers.front().at("schema"), "farewell/watch/v1");
    EXPECT_EQ(stream->answers.front().at("probes").at("shown").size(), 0U);
    received += 13;
    probe(1, 1, 3);
    probe(2, 1, 10);
    json seen;
    ASSERT_TRUE(run_until([&] {
        for (const json& answer : std::exchange(stream->answers, {})) {
            for (const json& probe : answer.at("probes").at("shown")) {
                seen["probes"].push_back(probe);
            }
            for (const json& change : answer.at("changes").at("shown")) {
                seen["changes"].push_back(change);
            }
            seen["last"] = answer;
        }
        return seen["probes"].size() == 13 && !seen["last"].at("bans").at("shown").empty() &&
               !seen["last"].at("sources").at("nearest").empty();
    }));
    EXPECT_EQ(seen["probes"][0].at("port"), "tcp/1");
    const json& last = seen["last"];
    EXPECT_EQ(last.at("sources").at("nearest").at(0).at("source"), "10.0.0.1");
    EXPECT_EQ(last.at("sources").at("nearest").at(0).at("threshold"), 10);
    EXPECT_EQ(last.at("bans").at("shown").at(0).at("source"), "10.0.0.2");
    EXPECT_EQ(seen["changes"][0].at("event"), "ban");
    EXPECT_EQ(last.at("packets").at("received"), 13);
}

TEST_F(WatchFeedTest, AClientThatIsBehindIsToldWhatItMissed) {
    const auto slow = follow();
    const auto quick = follow();
    slow->reads = false;
    ASSERT_TRUE(run_until([&] { return quick->answers.size() >= 3; }));
    slow->reads = true;
    ASSERT_TRUE(run_until([&] { return !slow->answers.empty(); }));
    EXPECT_GE(slow->answers.front().at("missed"), 3);
    EXPECT_EQ(quick->answers.back().at("missed"), 0);
}

TEST_F(WatchFeedTest, TheEngineSetsNothingAsideWhenNobodyWatches) {
    const auto stream = follow();
    ASSERT_TRUE(run_until([&] { return !stream->answers.empty(); }));
    stream->hang_up();
    EXPECT_TRUE(run_until([&] { return context.run_one_for(300ms) == 0; })) << "no timer is left";
    probe(1, 1, 3);
    const auto taken = ask_on(loop, [](EngineLoop& running) { return running.take_watched(); });
    EXPECT_EQ(taken.probes_seen, 0U);
    follow();
    EXPECT_TRUE(run_until([&] {
        return ask_on(loop, [](EngineLoop& running) { return running.take_watched(); }).probes_seen == 0;
    })) << "and it can begin again";
}

}  // namespace
}  // namespace farewell::daemon

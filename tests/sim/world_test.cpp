// SPDX-License-Identifier: GPL-2.0-or-later
// The engine in a hostile world, checked against a slow and obvious model of the same rule. The kernel of
// this world refuses bans, loses them, and answers in bursts; sources scan, retry, and come back. A failure
// prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <vector>

#include "core/engine.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::probe;
using test::source;

/// The plain rule with maps: which ports a source tried when, and until when it is banned.
class Model {
 public:
    explicit Model(const Limits& limits) : limits_(limits) {}

    bool on_probe(std::uint32_t who, std::uint16_t port, Time now) {
        if (banned_until_.contains(who)) {
            if (now < banned_until_[who]) {
                return false;
            }
            banned_until_.erase(who);
        }
        auto& ports = last_seen_[who];
        ports[port] = now;
        std::erase_if(ports, [&](const auto& entry) { return entry.second <= now - limits_.window; });
        if (ports.size() < limits_.threshold) {
            return false;
        }
        last_seen_.erase(who);
        banned_until_[who] = now + limits_.ban_duration;
        return true;
    }
    [[nodiscard]] std::size_t banned(Time now) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(banned_until_, [now](const auto& entry) { return entry.second > now; }));
    }

 private:
    Limits limits_;
    std::map<std::uint32_t, std::map<std::uint16_t, Time>> last_seen_;
    std::map<std::uint32_t, Time> banned_until_;
};

/// A kernel that refuses and forgets as it likes.
class HostileKernel {
 public:
    HostileKernel(Engine& engine, std::mt19937_64& random) : engine_(engine), random_(random) {}

    void ban(const Ban& ban, Time now) {
        if (random_() % 4 == 0) {
            engine_.on_refused(ban.source, now);
        } else {
            held_[ban.source] = ban.until;
            engine_.on_enforced(ban, now);
        }
    }
    void flush() { held_.clear(); }
    [[nodiscard]] bool drops(const Address& from, Time now) const {
        const auto found = held_.find(Prefix::of(from));
        return found != held_.end() && found->second > now;
    }

 private:
    Engine& engine_;
    std::mt19937_64& random_;
    std::map<Prefix, Time> held_;
};

class Worlds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Worlds, TheEngineDecidesAsTheModelDoes) {
    std::mt19937_64 random(GetParam());
    Limits limits = test::plain_limits();
    limits.threshold = static_cast<std::uint32_t>(2 + random() % 12);
    limits.window = std::chrono::seconds(60 + random() % 600);
    limits.ban_duration = std::chrono::seconds(30 + random() % 600);
    limits.memory_bytes = std::size_t{64} << 20;  // ample: this model forgets nobody
    Engine engine(limits, {});
    Model model(limits);
    HostileKernel kernel(engine, random);
    Time now{1h};
    std::size_t decided = 0;

    for (int step = 0; step < 60'000; ++step) {
        now += std::chrono::milliseconds(random() % 40);
        const auto who = static_cast<std::uint32_t>(random() % 50);
        // A few scan widely, most come back to the same few ports.
        const auto port = static_cast<std::uint16_t>(random() % (who < 10 ? 1000 : 4));
        if (!kernel.drops(source(who), now)) {
            const std::uint64_t before = engine.counters().bans_decided;
            if (const auto ban = engine.on_probe(probe(source(who), port), now)) {
                kernel.ban(*ban, now);
            }
            const bool decision = engine.counters().bans_decided > before;
            ASSERT_EQ(decision, model.on_probe(who, port, now)) << "step " << step << ", seed " << GetParam();
            decided += decision ? 1 : 0;
        }
        if (step % 20 == 0) {
            for (const Ban& again : engine.on_tick(now).bans) {
                kernel.ban(again, now);
            }
            ASSERT_EQ(engine.bans_wanted(), model.banned(now)) << "step " << step << ", seed " << GetParam();
        }
        if (random() % 5000 == 0) {
            kernel.flush();
        }
    }
    EXPECT_GT(decided, 10U) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Worlds, testing::Range<std::uint64_t>(1, 13));

TEST(LongRun, TwentySixHoursPassWithoutGrowth) {
    Limits limits = test::plain_limits();
    limits.memory_bytes = std::size_t{1} << 20;
    Engine engine(limits, {});
    std::mt19937_64 random(24);
    Time now{1h};
    std::size_t most_sources = 0;
    std::size_t unbans = 0;
    std::size_t bans_on_second_day = 0;
    constexpr auto kStep = 250ms;
    constexpr int kSteps = static_cast<int>(26h / kStep);
    for (int step = 0; step < kSteps; ++step) {
        now += kStep;
        // Ordinary sources by the hundred thousand with a port or two, and a scanner of its own every ten
        // minutes.
        const auto ordinary = static_cast<std::uint32_t>(random() % 200'000);
        EXPECT_FALSE(engine.on_probe(
            probe(source(1'000'000 + ordinary), static_cast<std::uint16_t>(80 + random() % 2)), now));
        if (step % 2400 < 10) {
            const auto scanner = static_cast<std::uint32_t>(step / 2400 % 64);
            if (const auto ban =
                    engine.on_probe(probe(source(scanner), static_cast<std::uint16_t>(step % 2400)), now)) {
                engine.on_enforced(*ban, now);
                bans_on_second_day += now > Time{25h} ? 1U : 0U;
            }
        }
        if (step % 4 == 0) {
            unbans += engine.on_tick(now).unbans.size();
        }
        ASSERT_LE(engine.memory_used(), limits.memory_bytes) << "step " << step;
        most_sources = std::max(most_sources, engine.sources_tracked());
    }
    EXPECT_GT(unbans, 50U) << "bans have run out";
    EXPECT_GT(bans_on_second_day, 3U) << "and scanners are still banned a day later";
    EXPECT_GT(most_sources, 1000U);
    EXPECT_LE(engine.bans_wanted(), 64U);
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// The source table against a slow, exact model: never above the truth, exact as long as nothing was lost,
// never beyond its budget. A failure prints its seed.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <new>
#include <random>

#include "core/source_table.hpp"
#include "flood.hpp"
#include "scenario.hpp"

namespace {
/// Calls of operator new in this program.
std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

namespace farewell::core {
namespace {

using namespace std::chrono_literals;

Subject subject(std::uint32_t number) {
    return {.who = {.address = test::source(number), .length = 32}};
}

struct Model {
    struct Known {
        Time seen;
        std::uint8_t weight;
    };
    void on_probe(std::uint32_t who, const Item& item, Time now) {
        auto& known = tried[who][item.what];
        const bool expired = known.seen + window <= now;
        known = {.seen = now, .weight = expired ? item.weight : std::max(known.weight, item.weight)};
    }
    [[nodiscard]] SourceTable::Seen of(std::uint32_t who, Time now) {
        SourceTable::Seen seen{.distinct = 0, .weight = 0, .recent = 0};
        for (const auto& [what, known] : tried[who]) {
            if (now - known.seen < window) {
                ++seen.distinct;
                seen.weight += known.weight;
                seen.recent += now - known.seen < 2s ? 1U : 0U;
            }
        }
        seen.recent = std::min(seen.recent, SourceTable::kRecentMax);
        return seen;
    }
    std::chrono::nanoseconds window;
    std::map<std::uint32_t, std::map<std::uint32_t, Known>> tried;
};

class Tables : public testing::TestWithParam<std::uint64_t> {};

/// One world: sources, how many ports they choose among, how fast time goes.
void compare(std::uint64_t seed, std::size_t memory, std::uint32_t sources, std::chrono::nanoseconds step,
             int steps) {
    std::mt19937_64 random(seed);
    const std::chrono::nanoseconds window = std::chrono::seconds(1 + random() % 3600);
    SourceTable table({.memory_bytes = memory, .window = window, .hash_key = random()});
    Model model{.window = window, .tried = {}};
    const std::size_t budget = table.memory_used();
    ASSERT_LE(budget, memory) << "seed " << seed;
    Time now{1h};
    std::uint64_t untracked = 0;
    for (int i = 0; i < steps; ++i) {
        if (random() % 4 != 0) {  // otherwise the clock stands still
            now += std::chrono::milliseconds(random() % static_cast<std::uint64_t>(step / 1ms + 1));
        }
        const auto who = static_cast<std::uint32_t>(random() % sources);
        const Item item{.what = static_cast<std::uint32_t>(random() % (who % 7 == 0 ? 200 : 4)),
                        .weight = static_cast<std::uint8_t>(random() % 16)};
        model.on_probe(who, item, now);
        const auto truth = model.of(who, now);
        const auto seen = table.on_probe(subject(who), item, now);
        untracked += seen.tracked ? 0 : 1;
        ASSERT_EQ(untracked, table.not_admitted());
        ASSERT_LE(seen.distinct, truth.distinct) << "step " << i << ", seed " << seed;
        ASSERT_LE(seen.weight, truth.weight) << "step " << i << ", seed " << seed;
        ASSERT_LE(seen.recent, truth.recent) << "step " << i << ", seed " << seed;
        if (table.evicted() + table.not_admitted() + table.overflowed() == 0) {
            ASSERT_EQ(seen.distinct, truth.distinct) << "step " << i << ", seed " << seed;
            ASSERT_EQ(seen.weight, truth.weight) << "step " << i << ", seed " << seed;
            ASSERT_EQ(seen.recent, truth.recent) << "step " << i << ", seed " << seed;
        }
        if (random() % 16 == 0) {
            table.forget_expired(now);
        }
        if (random() % 64 == 0) {
            ASSERT_EQ(table.tried(subject(who), now).size(), seen.tracked ? seen.distinct : 0);
            table.take(subject(who), now);
            model.tried.erase(who);
        }
    }
    EXPECT_EQ(table.memory_used(), budget);
    EXPECT_LE(table.size(), table.capacity());
}

TEST_P(Tables, AreExactWhenThereIsRoom) {
    compare(GetParam(), std::size_t{16} << 20U, 300, 200ms, 20'000);
}

TEST_P(Tables, AreNeverAboveTheTruthWhenThereIsNone) {
    compare(GetParam(), TableLimits::kMemoryMin, 3000, 20ms, 20'000);
}

TEST_P(Tables, HoldOverManyWeeks) {
    compare(GetParam(), std::size_t{1} << 20U, 50, 1h, 20'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Tables, testing::Range<std::uint64_t>(1, 9));

TEST(SourceTableMemory, NothingIsAllocatedAfterConstruction) {
    SourceTable table({.memory_bytes = TableLimits::kMemoryMin});
    std::mt19937_64 random(1);
    const std::size_t before = allocations;
    for (int i = 0; i < 200'000; ++i) {
        const auto who = static_cast<std::uint32_t>(random() % 2000);
        table.on_probe(subject(who), {.what = static_cast<std::uint32_t>(random() % 50)}, Time(i * 1ms));
        if (i % 1000 == 0) {
            table.forget_expired(Time(i * 1ms));
        }
    }
    EXPECT_EQ(allocations, before);
    EXPECT_GT(table.evicted(), 0U);
    EXPECT_FALSE(table.tried(subject(1), Time(200s)).empty() && table.top(1, Time(200s)).empty());
    EXPECT_GT(allocations, before) << "the counter works";
}

/// The benchmark's floods of a million sources a second against 16 MiB, both divided by 64.
test::Flood small(std::uint32_t ports, double spread) {
    return {.memory_bytes = std::size_t{256} << 10U,
            .sources_per_second = 1e6 / 64,
            .ports = ports,
            .spread_seconds = spread};
}

class Floods : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Floods, DoNotHideAScanner) {
    for (const test::Flood& flood : {small(1, 0), small(3, 0), small(3, 0.5)}) {
        const test::FloodOutcome outcome = test::run(flood, GetParam());
        EXPECT_TRUE(outcome.probes) << flood.ports << " ports in " << flood.spread_seconds << " s, at most "
                                    << outcome.most << " counted, seed " << GetParam();
        EXPECT_FALSE(outcome.degraded);
    }
}

TEST_P(Floods, OfManyPortsEachDoAndTheTableSaysSo) {
    test::Flood flood = small(24, 0);
    flood.sources_per_second /= 8;
    const test::FloodOutcome outcome = test::run(flood, GetParam());
    EXPECT_FALSE(outcome.probes);
    EXPECT_TRUE(outcome.degraded);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Floods, testing::Range<std::uint64_t>(1, 3));

TEST(SourceTableGuarantee, AHeavySourceOutlivesAnyNumberOfLightOnes) {
    SourceTable table({.memory_bytes = TableLimits::kMemoryMin});
    for (std::uint32_t what = 1; what <= 3; ++what) {
        table.on_probe(subject(1), {.what = what}, Time(1s));
    }
    for (std::uint32_t number = 2; number < 300'000; ++number) {
        table.on_probe(subject(number), {.what = number % 1000}, Time(1s) + number * 10ms);
    }
    EXPECT_GT(table.evicted(), 50U);
    EXPECT_GT(table.not_admitted(), 100'000U);
    EXPECT_EQ(table.tried(subject(1), Time(1h)).size(), 3U);
}

}  // namespace
}  // namespace farewell::core

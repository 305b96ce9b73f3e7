// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/source_table.hpp"

#include <gtest/gtest.h>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::source;

Subject subject(std::uint32_t number) {
    return {.who = {.address = source(number), .length = 32}};
}
Item item(std::uint32_t what, std::uint8_t weight = 4, std::uint8_t kind = 0) {
    return {.what = what, .kind = kind, .weight = weight};
}

TEST(SourceTable, CountsEachItemOnceHoweverManyThereAre) {
    SourceTable table({});
    for (std::uint32_t what = 1; what <= 65535; ++what) {
        const auto seen = table.on_probe(subject(1), item(what), at(1s));
        ASSERT_TRUE(seen.tracked);
        ASSERT_TRUE(seen.is_new);
        ASSERT_EQ(seen.distinct, what);
        ASSERT_EQ(seen.weight, 4 * what);
        ASSERT_EQ(seen.recent, std::min(what, SourceTable::kRecentMax + (what < 5 ? 4 : 0)));
    }
    const auto again = table.on_probe(subject(1), item(3), at(2s));
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.distinct, 65535U);
    EXPECT_EQ(table.overflowed() + table.evicted() + table.not_admitted(), 0U);
    EXPECT_EQ(table.size(), 1U);
}

TEST(SourceTable, AStoreThatForgetsInAHurryIsDegradedForAWhile) {
    SourceTable table({.memory_bytes = TableLimits::kMemoryMin});
    for (std::uint32_t number = 1; number <= 60; ++number) {
        for (std::uint32_t what = 1; what <= 5; ++what) {
            table.on_probe(subject(number), item(what), at(1s));
        }
    }
    EXPECT_FALSE(table.degraded(at(1s)));
    for (std::uint32_t number = 1; number <= 60; ++number) {
        for (std::uint32_t what = 6; what <= 20; ++what) {
            table.on_probe(subject(number), item(what), at(1s));
        }
    }
    EXPECT_GT(table.evicted(), 0U);
    EXPECT_TRUE(table.degraded(at(2s)));
    EXPECT_FALSE(table.degraded(at(12s)));
}

TEST(SourceTable, OneAddressIsSeveralSubjects) {
    SourceTable table({});
    Subject to_host = subject(1);
    to_host.host = 7;
    Subject sweep = subject(1);
    sweep.counted = Counted::hosts;
    EXPECT_NE(to_host, subject(1));
    EXPECT_NE(sweep, subject(1));
    EXPECT_NE(item(1), item(2));
    EXPECT_NE(item(1, 4), item(1, 5));
    EXPECT_NE(item(1, 4, 1), item(1, 4, 2));
    for (const Subject& each : {subject(1), to_host, sweep}) {
        EXPECT_EQ(table.on_probe(each, item(1), at(1s)).distinct, 1U);
        EXPECT_EQ(table.tried(each, at(1s)).at(0).item, item(1));
    }
    EXPECT_EQ(table.size(), 3U);
}

TEST(SourceTable, KeepsTheHeavierOfTwoWeightsAndItsKind) {
    for (const std::uint32_t others : {0U, 10U}) {  // in the record, and in the store
        SourceTable table({});
        table.on_probe(subject(1), item(1, 4, 2), at(0s));
        for (std::uint32_t other = 0; other < others; ++other) {
            table.on_probe(subject(1), item(100 + other, 0), at(0s));
        }
        EXPECT_EQ(table.on_probe(subject(1), item(1, 8, 5), at(1s)).weight, 8U);
        EXPECT_EQ(table.on_probe(subject(1), item(1, 2, 7), at(1s)).weight, 8U)
            << "a lighter one changes nothing";
        EXPECT_EQ(table.tried(subject(1), at(1s)).front().item, item(1, 8, 5));
    }
}

TEST(SourceTable, AnItemExpiresAWindowAfterItsLastTry) {
    for (const std::uint32_t items : {3U, 30U}) {
        SourceTable table({.window = 60s});
        for (std::uint32_t what = 0; what < items; ++what) {
            table.on_probe(subject(1), item(what), at(what * 100ms));
        }
        table.on_probe(subject(1), item(0), at(30s));
        EXPECT_EQ(table.tried(subject(1), at(60s)).size(), items) << "the first thanks to its second try";
        EXPECT_EQ(table.tried(subject(1), at(60s + 100ms)).size(), items - 1);
        EXPECT_EQ(table.count_with(items - 1, at(60s + 100ms)), 1U);
        EXPECT_EQ(table.count_with(items, at(60s + 100ms)), 0U);
        EXPECT_EQ(table.on_probe(subject(1), item(0), at(89s)).distinct, 1U);
        EXPECT_FALSE(table.on_probe(subject(1), item(0), at(149s - 1ms)).is_new);
        EXPECT_TRUE(table.on_probe(subject(1), item(0), at(209s)).is_new) << "exactly a window later";
    }
}

TEST(SourceTable, CountsABurst) {
    for (const std::uint32_t before : {2U, 20U}) {
        SourceTable table({.burst_window = 2s});
        for (std::uint32_t what = 0; what < before; ++what) {
            table.on_probe(subject(1), item(what), at(0s));
        }
        EXPECT_EQ(table.on_probe(subject(1), item(100), at(1s)).recent, before + 1);
        EXPECT_EQ(table.on_probe(subject(1), item(101), at(2s)).recent, 2U);
        EXPECT_EQ(table.on_probe(subject(1), item(0), at(2s)).recent, 3U) << "a second try is recent again";
    }
}

TEST(SourceTable, WhatIsCountedAboutWhomIsKeptApart) {
    SourceTable table({});
    Subject other = subject(1);
    const auto starts_at_one = [&] { return table.on_probe(other, item(1), at(1s)).distinct == 1; };
    table.on_probe(subject(1), item(1), at(1s));
    table.on_probe(subject(1), item(2), at(1s));
    other.host = 7;
    EXPECT_TRUE(starts_at_one());
    other.counted = Counted::hosts;
    EXPECT_TRUE(starts_at_one());
    other.counted = Counted::ambiguous;
    EXPECT_TRUE(starts_at_one());
    other.who.length = 24;
    EXPECT_TRUE(starts_at_one());
    EXPECT_EQ(table.size(), 5U);
    EXPECT_EQ(table.top(1, at(1s)).front().subject, subject(1));
}

TEST(SourceTable, TakeGivesTheEvidenceInOrderAndForgets) {
    for (const std::uint32_t items : {4U, 9U}) {
        SourceTable table({.window = 60s});
        table.on_probe(subject(1), item(99), at(0s));
        for (std::uint32_t what = 1; what < items; ++what) {
            table.on_probe(subject(1), item(what), at(10s));
        }
        table.on_probe(subject(1), item(1), at(20s));
        EXPECT_EQ(table.tried(subject(1), at(59s)).size(), items);
        const auto taken = table.take(subject(1), at(60s));
        ASSERT_EQ(taken.size(), items - 1) << "the first is older than the window";
        EXPECT_EQ(taken[0].item.what, 1U);
        EXPECT_EQ(taken[0].seen, at(20s));
        EXPECT_EQ(taken[1].item.what, 2U);
        EXPECT_EQ(taken[1].seen, at(10s));
        EXPECT_EQ(table.size(), 0U);
        EXPECT_TRUE(table.take(subject(1), at(60s)).empty());
        EXPECT_TRUE(table.tried(subject(1), at(60s)).empty());
    }
}

TEST(SourceTable, OrderSurvivesTheMoveToTheStore) {
    SourceTable table({.window = 60s});
    for (const std::uint32_t what : {1U, 2U, 3U, 4U}) {
        table.on_probe(subject(1), item(what), at(0s));
    }
    table.on_probe(subject(1), item(1), at(50s));
    table.on_probe(subject(1), item(5), at(51s));
    EXPECT_EQ(table.tried(subject(1), at(52s)).front().item.what, 1U);
    EXPECT_EQ(table.on_probe(subject(1), item(6), at(61s)).distinct, 3U) << "2, 3 and 4 expired, 1 did not";
}

TEST(SourceTable, NotesStayWithTheSource) {
    SourceTable table({});
    *table.on_probe(subject(1), item(1), at(0s)).notes = {7, 9};
    EXPECT_EQ(*table.on_probe(subject(2), item(1), at(0s)).notes, (SourceTable::Notes{}));
    EXPECT_EQ(*table.on_probe(subject(1), item(2), at(0s)).notes, (SourceTable::Notes{7, 9}));
    table.take(subject(1), at(0s));
    EXPECT_EQ(*table.on_probe(subject(1), item(2), at(0s)).notes, (SourceTable::Notes{}));
}

TEST(SourceTable, ForgetsWholeSourcesAfterTheWindowPieceByPiece) {
    SourceTable table({.window = 60s});
    for (std::uint32_t number = 0; number < 10'000; ++number) {
        table.on_probe(subject(number), item(1), at(number < 5'000 ? 0s : 30s));
    }
    const std::size_t all = table.size();
    EXPECT_EQ(all, 10'000U);
    const std::size_t calls = table.capacity() / 8 / SourceTable::kSetsPerSweep + 1;
    table.forget_expired(at(60s));
    EXPECT_GT(table.size(), 5'000U) << "the work of one call is limited";
    for (std::size_t call = 0; call < calls; ++call) {
        table.forget_expired(at(61s));
    }
    EXPECT_EQ(table.size(), 5'000U);
    for (std::size_t call = 0; call < calls; ++call) {
        table.forget_expired(at(90s));
    }
    EXPECT_EQ(table.size(), 0U);
}

TEST(SourceTable, AStoredTimeThatWrapsAroundIsNotTakenForANewOne) {
    // Ticks are a millisecond here, and 32 bits of them come round after 49.7 days.
    constexpr auto kRound = std::chrono::milliseconds(std::int64_t{1} << 32U);
    SourceTable table({.window = 60s});
    table.on_probe(subject(1), item(1), at(1h));
    EXPECT_TRUE(table.on_probe(subject(1), item(1), at(1h + kRound)).is_new) << "slept for exactly one round";
    table.on_probe(subject(2), item(1), at(1h + kRound));
    for (int part = 1; part <= 5; ++part) {
        table.forget_expired(at(1h + kRound + part * kRound / 5));
    }
    EXPECT_TRUE(table.on_probe(subject(2), item(1), at(1h + 2 * kRound)).is_new) << "slept in pieces";
}

TEST(SourceTable, AFullStoreForgetsWhoWasNotSeenForLongest) {
    SourceTable table({.memory_bytes = TableLimits::kMemoryMin});
    std::uint32_t number = 0;
    while (table.evicted() == 0) {  // ten items each, until the store is full
        ++number;
        for (std::uint32_t what = 1; what <= 10; ++what) {
            table.on_probe(subject(number), item(what), at(number * 1s));
        }
    }
    EXPECT_EQ(table.tried(subject(number), at(number * 1s)).size(), 10U) << "not the source at hand";
    EXPECT_LT(table.size(), table.capacity()) << "it was the store that was full, not the records";
    EXPECT_EQ(table.overflowed(), 0U);
}

TEST(SourceTable, ASourceThatFillsTheStoreAloneIsNeverCountedAboveTheTruth) {
    SourceTable table({.memory_bytes = TableLimits::kMemoryMin});
    std::uint32_t most = 0;
    for (std::uint32_t what = 1; what <= 2000; ++what) {
        const auto seen = table.on_probe(subject(1), item(what), at(1s));
        EXPECT_LE(seen.distinct, what);
        most = std::max(most, seen.distinct);
    }
    EXPECT_GT(most, 300U);
    EXPECT_EQ(table.overflowed(), 2000 - most);
    // Another finds nothing to take but what the first holds, and takes it.
    for (std::uint32_t what = 1; what <= 10; ++what) {
        table.on_probe(subject(2), item(what), at(2s));
    }
    EXPECT_EQ(table.tried(subject(2), at(2s)).size(), 10U);
    EXPECT_TRUE(table.tried(subject(1), at(2s)).empty());
}

TEST(SourceTable, TopAndCountWith) {
    SourceTable table({.window = 60s});
    for (std::uint32_t number = 1; number <= 20; ++number) {
        for (std::uint32_t what = 0; what < number; ++what) {
            table.on_probe(subject(number), item(what), at(1s));
        }
    }
    EXPECT_EQ(table.count_with(1, at(1s)), 20U);
    EXPECT_EQ(table.count_with(15, at(1s)), 6U);
    EXPECT_EQ(table.count_with(1, at(61s)), 0U);
    const auto top = table.top(3, at(1s));
    ASSERT_EQ(top.size(), 3U);
    EXPECT_EQ(top[0].subject, subject(20));
    EXPECT_EQ(top[0].distinct, 20U);
    EXPECT_EQ(top[2].distinct, 18U);
    EXPECT_TRUE(table.top(3, at(61s)).empty());
}

TEST(SourceTable, ReconfiguringKeepsWhatFits) {
    SourceTable table({.memory_bytes = std::size_t{1} << 20U, .window = 1h});
    for (std::uint32_t number = 1; number <= 3000; ++number) {
        table.on_probe(subject(number), item(80), at(0s));
    }
    for (std::uint32_t what = 1; what <= 12; ++what) {
        *table.on_probe(subject(7), item(what), at(what * 1min)).notes = {1, 2};
    }
    table.reconfigure({.memory_bytes = std::size_t{2} << 20U, .window = 10min}, at(12min));
    EXPECT_EQ(table.tried(subject(7), at(12min)).size(), 10U) << "what is within the shorter window";
    EXPECT_EQ(table.size(), 1U) << "the others were older";

    for (std::uint32_t number = 1; number <= 3000; ++number) {
        table.on_probe(subject(number), item(80), at(13min));
    }
    table.reconfigure({.memory_bytes = TableLimits::kMemoryMin, .window = 10min}, at(13min));
    EXPECT_LE(table.size(), table.capacity());
    EXPECT_GT(table.size(), table.capacity() / 2);
    const auto seen = table.on_probe(subject(7), item(80), at(13min));
    EXPECT_FALSE(seen.is_new) << "the heaviest is still there";
    EXPECT_EQ(*seen.notes, (SourceTable::Notes{1, 2}));
    EXPECT_GT(table.evicted(), 2000U);
}

TEST(SourceTable, LimitsBeyondTheirBoundsAreTakenAsTheBound) {
    SourceTable table({.memory_bytes = 0, .window = 0s, .burst_window = 1h});
    EXPECT_LE(table.memory_used(), TableLimits::kMemoryMin);
    EXPECT_GT(table.capacity(), 0U);
    table.on_probe(subject(1), item(1), at(0s));
    EXPECT_FALSE(table.on_probe(subject(1), item(1), at(999ms)).is_new);
    EXPECT_TRUE(table.on_probe(subject(1), item(1), at(2s)).is_new);
}

TEST(SourceTable, WithoutPressureItPromisesTheWindow) {
    const SourceTable table({.window = 60s});
    EXPECT_EQ(table.patience(at(0s)), 60s);
    EXPECT_FALSE(table.degraded(at(0s)));
}

}  // namespace
}  // namespace farewell::core

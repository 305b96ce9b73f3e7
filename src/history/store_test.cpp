// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "history/test_records.hpp"

namespace farewell::history {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::ban;
using test::numbered;
using test::prefix;
using test::texts;
using test::unban;
using testing::ElementsAre;
using testing::HasSubstr;

/// Numbered from `first` on.
std::vector<Record> fifty(std::uint32_t first) {
    std::vector<Record> records;
    records.reserve(50);
    for (std::uint32_t i = 0; i < 50; ++i) {
        records.push_back(numbered(first + i));
    }
    return records;
}

class StoreTest : public testing::Test {
 protected:
    [[nodiscard]] Store open(const Bounds& bounds = {}, WallTime now = at(0)) const {
        auto store = Store::open(folder.file(), bounds, now);
        EXPECT_TRUE(store) << store.error().message;
        return std::move(*store);
    }
    static void append(Store& store, const std::vector<Record>& records) {
        ASSERT_TRUE(store.append(records));
        ASSERT_TRUE(store.forget_surplus());
    }

    test::TemporaryFolder folder;
};

TEST_F(StoreTest, WhatWasAppendedIsThereInOrderAfterReopening) {
    {
        Store store = open();
        append(store, {ban("198.18.0.1", 10), ban("2001:db8::1", 5)});
        append(store, {unban("198.18.0.1", 20)});
    }
    const Store store = open();
    EXPECT_EQ(store.count(), 3U);
    const auto events = store.events({});
    ASSERT_TRUE(events);
    EXPECT_THAT(texts(*events), ElementsAre("ban 198.18.0.1@10", "ban 2001:db8::1@5", "unban 198.18.0.1@20"));
    EXPECT_EQ(events->front().until, at(3610));
    EXPECT_EQ(events->front().reason, "port_scan");
    EXPECT_EQ(events->front().detail, ban("198.18.0.1", 10).detail);
    EXPECT_EQ(events->back().until, std::nullopt);
}

TEST_F(StoreTest, EventsCanBeLimitedToTheLatest) {
    Store store = open();
    append(store, {ban("198.18.0.1", 1), ban("198.18.0.2", 2), ban("198.18.0.3", 3)});
    EXPECT_THAT(texts(store.events({.max = 2}).value()), ElementsAre("ban 198.18.0.2@2", "ban 198.18.0.3@3"));
    EXPECT_THAT(texts(store.events({.since = at(3)}).value()), ElementsAre("ban 198.18.0.3@3"));
}

TEST_F(StoreTest, OlderEventsAreReachedPageByPage) {
    Store store = open();
    append(store, {ban("198.18.0.1", 1), ban("198.18.0.2", 2), ban("198.18.0.3", 2)});
    const auto latest = store.events({.max = 1}).value();
    EXPECT_THAT(texts(latest), ElementsAre("ban 198.18.0.3@2"));
    const auto older = store.events({.max = 1, .before = latest.front().id}).value();
    EXPECT_THAT(texts(older), ElementsAre("ban 198.18.0.2@2")) << "of the same moment";
    EXPECT_THAT(texts(store.events({.max = 9, .before = older.front().id}).value()),
                ElementsAre("ban 198.18.0.1@1"));
}

TEST_F(StoreTest, ASourceIsFoundByAddressAndByPrefix) {
    Store store = open();
    append(store,
           {ban("198.18.0.0/24", 1), ban("198.18.0.7", 2), ban("198.18.1.0/24", 3), ban("198.18.0.0/16", 4),
            ban("2001:db8::/48", 5), ban("2001:db8::7", 6), ban("2001:db8:0:1::/64", 7)});
    const auto about = [&](const std::string& source) {
        return texts(store.events({.source = prefix(source)}).value());
    };
    EXPECT_THAT(about("198.18.0.7"),
                ElementsAre("ban 198.18.0.0/24@1", "ban 198.18.0.7@2", "ban 198.18.0.0/16@4"));
    EXPECT_THAT(about("198.18.0.0/24"),
                ElementsAre("ban 198.18.0.0/24@1", "ban 198.18.0.7@2", "ban 198.18.0.0/16@4"));
    EXPECT_THAT(about("198.18.0.0/15"), ElementsAre("ban 198.18.0.0/24@1", "ban 198.18.0.7@2",
                                                    "ban 198.18.1.0/24@3", "ban 198.18.0.0/16@4"));
    EXPECT_THAT(about("198.19.0.0"), ElementsAre());
    EXPECT_THAT(about("2001:db8::7"), ElementsAre("ban 2001:db8::/48@5", "ban 2001:db8::7@6"));
    EXPECT_THAT(about("2001:db8:0:1::9"), ElementsAre("ban 2001:db8::/48@5", "ban 2001:db8:0:1::/64@7"));
}

TEST_F(StoreTest, OffendersAreThoseBannedByDetectionTheLatestFirst) {
    Store store = open();
    Record by_hand = ban("198.18.0.3", 8);
    by_hand.reason = "by_operator";
    Record observed = ban("198.18.0.4", 9);
    observed.observed = true;
    Record soft = ban("198.18.0.1", 5);
    soft.soft = true;
    append(store, {ban("198.18.0.1", 1), unban("198.18.0.1", 2), ban("198.18.0.1", 3), soft,
                   ban("2001:db8::/64", 6), by_hand, observed, ban("198.18.0.9", 0)});
    const auto offenders = store.offenders(10, at(1));
    ASSERT_TRUE(offenders);
    ASSERT_EQ(offenders->size(), 2U);
    EXPECT_EQ((*offenders)[0].source, prefix("2001:db8::/64"));
    EXPECT_EQ((*offenders)[1].source, prefix("198.18.0.1"));
    EXPECT_EQ((*offenders)[1].bans, 2U);
    EXPECT_EQ((*offenders)[1].soft_bans, 1U);
    EXPECT_EQ((*offenders)[1].last_ban, at(5));
    EXPECT_EQ(store.offenders(1, at(0))->size(), 1U);
}

TEST_F(StoreTest, TheLatestBanOfASourceAndThoseBefore) {
    Store store = open();
    append(store, {ban("198.18.0.1", 1), ban("198.18.0.0/24", 2), ban("198.18.0.1", 3),
                   unban("198.18.0.1", 4), ban("198.18.0.2", 5)});
    const auto latest = store.latest_ban(prefix("198.18.0.1")).value();
    EXPECT_EQ(latest.value_or(Record()).at, at(3));
    EXPECT_FALSE(store.latest_ban(prefix("198.18.0.3")).value());
    const auto earlier = store.earlier_bans(prefix("198.18.0.1").address, at(3));
    ASSERT_TRUE(earlier);
    EXPECT_EQ(earlier->count, 2U);
    EXPECT_EQ(earlier->last.value_or(Record()).at, at(2)) << "as part of a prefix";
    EXPECT_EQ(store.earlier_bans(prefix("198.18.0.9").address, at(2))->count, 0U);
}

TEST_F(StoreTest, WhatIsTooOldIsForgotten) {
    Store store = open({.age = 100s});
    append(store, {ban("198.18.0.1", 1), ban("198.18.0.2", 50)});
    ASSERT_TRUE(store.forget_old(at(102)));
    EXPECT_THAT(texts(store.events({}).value()), ElementsAre("ban 198.18.0.2@50"));
    EXPECT_EQ(store.count(), 1U);
    ASSERT_TRUE(store.set_bounds({.age = 10s}, at(102)));
    EXPECT_EQ(store.count(), 0U);
}

TEST_F(StoreTest, TheFileAndItsLogStayWithinTheirSize) {
    constexpr std::size_t kSize = std::size_t{1} << 20;
    Store store = open({.size = kSize});
    std::uint32_t number = 0;
    for (int round = 0; round < 60; ++round) {
        append(store, fifty(number));
        number += 50;
        ASSERT_LE(store.size(), kSize) << "after " << number;
    }
    const auto kept = store.events({.max = 100'000}).value();
    EXPECT_EQ(kept.size(), store.count());
    EXPECT_GT(kept.size(), 400U) << "of 1 KiB each";
    EXPECT_EQ(kept.back().source, numbered(number - 1).source) << "the oldest go first";
    EXPECT_EQ(kept.front().source, numbered(number - static_cast<std::uint32_t>(kept.size())).source);
}

TEST_F(StoreTest, ASmallerSizeShrinksTheFile) {
    Store store = open({.size = std::size_t{8} << 20});
    for (std::uint32_t number = 0; number < 4000; number += 50) {
        append(store, fifty(number));
    }
    ASSERT_GT(store.size(), std::size_t{3} << 20);
    ASSERT_TRUE(store.set_bounds({.size = std::size_t{1} << 20}, at(0)));
    EXPECT_GT(store.count(), 400U);
    {
        const Store gone = std::move(store);
    }  // a clean end empties the log into the file
    EXPECT_LE(std::filesystem::file_size(folder.file()), std::size_t{1} << 20);
}

TEST_F(StoreTest, AFileOfANewerFarewellIsLeftAlone) {
    {
        static_cast<void>(open());
    }
    {
        auto database = Database::open(folder.file());
        ASSERT_TRUE(database->run("PRAGMA user_version = 2"));
    }
    const auto store = Store::open(folder.file(), {}, at(0));
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().failure, StoreFailure::foreign);
    EXPECT_THAT(store.error().message, HasSubstr("newer farewell (schema 2, this one knows 1)"));
}

TEST_F(StoreTest, KindsOfEventsThatALaterFarewellWroteAreNoBans) {
    {
        Store store = open();
        append(store, {ban("198.18.0.1", 10), ban("198.18.0.2", 11), ban("198.18.0.3", 12)});
    }
    {
        auto database = Database::open(folder.file());
        ASSERT_TRUE(database->run("UPDATE events SET kind = 'quarantine' WHERE id = 3"));
    }
    const Store store = open();
    const auto events = store.events({.max = 2});
    ASSERT_TRUE(events);
    EXPECT_THAT(texts(*events), ElementsAre("ban 198.18.0.1@10", "ban 198.18.0.2@11"))
        << "nor do they take the place of others";
}

TEST_F(StoreTest, ADatabaseOfAnotherProgramIsLeftAlone) {
    {
        auto database = Database::open(folder.file());
        ASSERT_TRUE(database->run("CREATE TABLE theirs(x)"));
    }
    const auto store = Store::open(folder.file(), {}, at(0));
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().failure, StoreFailure::foreign);
}

TEST_F(StoreTest, GarbageAndBrokenPagesAreCorrupt) {
    std::ofstream(folder.file()) << std::string(8192, 'g');
    const auto garbage = Store::open(folder.file(), {}, at(0));
    ASSERT_FALSE(garbage);
    EXPECT_EQ(garbage.error().failure, StoreFailure::corrupt) << garbage.error().message;
    std::filesystem::remove(folder.file());
    {
        Store store = open();
        for (std::uint32_t number = 0; number < 100; ++number) {
            append(store, {numbered(number)});
        }
    }
    {
        std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(8192);
        file << std::string(12'000, 'g');
    }
    const auto broken = Store::open(folder.file(), {}, at(0));
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().failure, StoreFailure::corrupt) << broken.error().message;
}

TEST_F(StoreTest, OneOwnerOnly) {
    const Store store = open();
    const auto second = Store::open(folder.file(), {}, at(0));
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("another program has it open"));
    EXPECT_FALSE(std::filesystem::exists(folder.file().string() + "-shm")) << "needs no shared memory";
}

TEST_F(StoreTest, TheFileIsNotForEverybody) {
    const Store store = open();
    struct stat status{};
    ASSERT_EQ(stat(folder.file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07U, 0U);
}

}  // namespace
}  // namespace farewell::history

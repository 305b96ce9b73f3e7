// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ban_book.hpp"

#include <gtest/gtest.h>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;
using test::network6;
using test::source;

BanRecord record_of(const Prefix& source, std::chrono::nanoseconds until) {
    BanRecord record;
    record.ban = {.source = source, .until = at(until)};
    return record;
}

TEST(BanBook, PrefixesOfOneAddressAreKeptApart) {
    BanBook book(7);
    book.put(record_of(alone(1), 1h));
    book.put(record_of(Prefix::of(source(1), 24), 2h));
    book.put(record_of(network6(1, 64), 3h));
    EXPECT_EQ(book.size(), 3U);
    EXPECT_EQ(book.find(alone(1))->ban.until, at(1h));
    EXPECT_EQ(book.find(Prefix::of(source(1), 24))->ban.until, at(2h));
    EXPECT_EQ(book.find(Prefix::of(source(1), 16)), nullptr);
    EXPECT_EQ(book.find(network6(1, 64))->ban.until, at(3h));
    EXPECT_EQ(book.find(network6(1, 48)), nullptr) << "the same bytes, another length";
}

TEST(BanBook, TheNetworkAroundAnAddressIsFoundWhileItIsThere) {
    BanBook book(7);
    const Address inside = network6(1, 128).address;
    EXPECT_EQ(book.find_around(inside, 64), nullptr);
    book.put(record_of(network6(1, 64), 1h));
    ASSERT_NE(book.find_around(inside, 64), nullptr);
    EXPECT_EQ(book.find_around(inside, 64)->ban.source, network6(1, 64));
    EXPECT_EQ(book.find_around(inside, 48), nullptr);
    EXPECT_EQ(book.find_around(network6(2, 128).address, 64), nullptr);
    book.put(record_of(network6(1, 64), 2h));
    EXPECT_EQ(book.size(), 1U) << "replaced";
    EXPECT_TRUE(book.remove(network6(1, 64)));
    EXPECT_FALSE(book.remove(network6(1, 64)));
    EXPECT_EQ(book.find_around(inside, 64), nullptr);
    EXPECT_FALSE(book.next_due());
}

TEST(BanBook, ThoseAtBothEndsOfTheSchedule) {
    BanBook book(7);
    EXPECT_TRUE(book.outermost(3).empty());
    for (std::uint32_t number = 1; number <= 5; ++number) {
        book.put(record_of(alone(number), std::chrono::hours(number)));
    }
    const auto sources = [&book](std::size_t each) {
        std::vector<Prefix> found;
        for (const BanRecord* record : book.outermost(each)) {
            found.push_back(record->ban.source);
        }
        return found;
    };
    EXPECT_EQ(sources(1), (std::vector{alone(1), alone(5)}));
    EXPECT_EQ(sources(3), (std::vector{alone(1), alone(2), alone(3), alone(4), alone(5)})) << "none twice";
    EXPECT_EQ(sources(9).size(), 5U);
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/offence_book.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::source6;

constexpr Time kStart{std::chrono::hours(1)};

Limits limits_with(std::size_t offenders) {
    Limits limits;
    limits.repeat_window = 10min;
    limits.offenders_max = offenders;
    return limits;
}

TEST(OffenceBook, CountsWithinItsWindow) {
    OffenceBook book(limits_with(10));
    EXPECT_EQ(book.add(alone(1), kStart), 1U);
    EXPECT_EQ(book.add(alone(1), kStart + 9min), 2U);
    EXPECT_EQ(book.count(alone(1), kStart + 18min), 2U) << "the window begins with the last one";
    EXPECT_EQ(book.count(alone(2), kStart + 18min), 0U);
    EXPECT_EQ(book.add(alone(1), kStart + 20min), 1U) << "long ago is never";
}

TEST(OffenceBook, AnIpv6AddressAnswersForItsSubnet) {
    OffenceBook book(limits_with(10));
    book.add(Prefix::of(source6(1, 1)), kStart);
    EXPECT_EQ(book.count(Prefix::of(source6(1, 2)), kStart), 1U);
    EXPECT_EQ(book.count(Prefix::of(source6(1, 2), 64), kStart), 1U);
    EXPECT_EQ(book.count(Prefix::of(source6(1, 1), 48), kStart), 0U);
    EXPECT_EQ(book.count(Prefix::of(source6(2, 1)), kStart), 0U);
}

TEST(OffenceBook, TheLongestPastGoFirst) {
    OffenceBook book(limits_with(2));
    book.add(alone(1), kStart);
    book.add(alone(2), kStart + 1s);
    book.add(alone(1), kStart + 2s);
    book.add(alone(3), kStart + 3s);
    EXPECT_EQ(book.size(), 2U);
    EXPECT_EQ(book.count(alone(1), kStart + 3s), 2U);
    EXPECT_EQ(book.count(alone(2), kStart + 3s), 0U);
    book.forget_expired(kStart + 2s + 10min + 1ns);
    EXPECT_EQ(book.size(), 1U);
}

TEST(OffenceBook, WhatWasKnownBeforeIsTakenOver) {
    OffenceBook book(limits_with(10));
    book.add(alone(1), kStart);
    book.restore(alone(1), 3, kStart - 5min);
    EXPECT_EQ(book.count(alone(1), kStart + 9min), 3U) << "the later of both times counts";
    book.restore(alone(1), 1, kStart - 5min);
    EXPECT_EQ(book.count(alone(1), kStart), 3U);
    book.restore(alone(2), 2, kStart - 11min);
    EXPECT_EQ(book.count(alone(2), kStart), 0U);
}

TEST(OffenceBook, ReconfiguringShortensTheMemory) {
    OffenceBook book(limits_with(10));
    book.add(alone(1), kStart);
    Limits limits = limits_with(10);
    limits.repeat_window = 1min;
    book.reconfigure(limits, kStart + 2min);
    EXPECT_EQ(book.size(), 0U);
}

TEST(DurationOf, GrowsUpToItsMaximum) {
    Limits limits;
    limits.repeat_factor = 2;
    limits.ban_duration_max = 7h;
    EXPECT_EQ(duration_of(1h, 0, limits), 1h);
    EXPECT_EQ(duration_of(1h, 1, limits), 1h);
    EXPECT_EQ(duration_of(1h, 2, limits), 2h);
    EXPECT_EQ(duration_of(1h, 3, limits), 4h);
    EXPECT_EQ(duration_of(1h, 4, limits), 7h);
    EXPECT_EQ(duration_of(1h, 4'000'000'000, limits), 7h);
    EXPECT_EQ(duration_of(12h, 2, limits), 12h) << "never shorter than the first";
    limits.repeat_factor = 1;
    EXPECT_EQ(duration_of(1h, 9, limits), 1h);
    limits.repeat_factor = 4'000'000'000;
    EXPECT_EQ(duration_of(1h, 2, limits), 7h);
}

}  // namespace
}  // namespace farewell::core

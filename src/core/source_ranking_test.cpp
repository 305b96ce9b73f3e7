// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/detector.hpp"
#include "core/source_table.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::source;

Subject subject(std::uint32_t number) {
    return {.who = test::alone(number)};
}

std::uint32_t bar_of_forty(const Subject& /*subject*/) {
    return 40;
}

TEST(SourceRanking, TheNearestAreThoseThatAPlainSearchFinds) {
    SourceTable table({});
    std::minstd_rand random(7);
    std::vector<std::pair<double, std::uint32_t>> expected;  // share, source
    for (std::uint32_t number = 1; number <= 5000; ++number) {
        std::uint32_t weight = 0;
        for (auto items = static_cast<std::uint32_t>(random() % 12 + 1); items > 0; --items) {
            const auto one = static_cast<std::uint8_t>(random() % 9);
            weight += one;
            table.on_probe(subject(number), {.what = items, .weight = one}, at(1s));
        }
        expected.emplace_back(weight / (number % 3 == 0 ? 80.0 : 40.0), number);
    }
    std::ranges::sort(expected, std::greater());
    const auto bar = [](const Subject& one) {
        const std::uint32_t number = std::to_integer<std::uint32_t>(one.who.address.bytes()[2]) << 8U |
                                     std::to_integer<std::uint32_t>(one.who.address.bytes()[3]);
        return number % 3 == 0 ? 80U : 40U;
    };
    const auto ranked = table.nearest(50, at(2s), SourceTable::Scale::weight, 40, bar);
    ASSERT_EQ(ranked.size(), 50U);
    for (std::size_t i = 0; i < ranked.size(); ++i) {
        EXPECT_DOUBLE_EQ(ranked[i].share, expected[i].first) << i;
    }
    EXPECT_TRUE(table.nearest(0, at(2s), SourceTable::Scale::weight, 40, bar).empty());
}

TEST(SourceRanking, ByDistinctItemsWeightsDoNotMatter) {
    SourceTable table({});
    for (std::uint32_t what = 0; what < 7; ++what) {
        table.on_probe(subject(1), {.what = what, .weight = 0}, at(1s));
    }
    for (std::uint32_t what = 0; what < 3; ++what) {
        table.on_probe(subject(2), {.what = what, .weight = 15}, at(3s));
    }
    const auto ranked =
        table.nearest(5, at(4s), SourceTable::Scale::distinct, 10, [](const Subject&) { return 10U; });
    ASSERT_EQ(ranked.size(), 2U);
    EXPECT_EQ(ranked[0].subject, subject(1));
    EXPECT_DOUBLE_EQ(ranked[0].share, 0.7);
    EXPECT_LT(std::chrono::abs(ranked[1].last - at(3s)), 10ms) << "to a tick";
}

TEST(SourceRanking, MoreThanAScoreCanSayIsToldApart) {
    SourceTable table({});
    for (std::uint32_t number = 1; number <= 3; ++number) {
        for (std::uint32_t what = 0; what < 60 + number; ++what) {
            table.on_probe(subject(number), {.what = what, .weight = 8}, at(1s));
        }
    }
    const auto ranked = table.nearest(1, at(1s), SourceTable::Scale::weight, 40, bar_of_forty);
    ASSERT_EQ(ranked.size(), 1U);
    EXPECT_EQ(ranked[0].subject, subject(3));
    EXPECT_EQ(ranked[0].weight, 504U);
}

TEST(SourceRanking, WhatIsOverDoesNotCount) {
    SourceTable table({.window = 60s});
    table.on_probe(subject(1), {.what = 1}, at(1s));
    EXPECT_EQ(table.nearest(5, at(2s), SourceTable::Scale::weight, 40, bar_of_forty).size(), 1U);
    EXPECT_TRUE(table.nearest(5, at(62s), SourceTable::Scale::weight, 40, bar_of_forty).empty());
}

TEST(SourceRanking, AStandingSaysWhatIsKnownOfASource) {
    Detector detector({});
    Probe probe = test::probe(source(1), 22);
    probe.tool = Tool::nmap;
    probe.ttl = 51;
    detector.on_probe(probe, at(1s));
    probe.port.number = 23;
    detector.on_probe(probe, at(2s));
    detector.on_probe(test::probe(source(2), 80), at(3s));
    const auto standings = detector.nearest(5, at(4s));
    ASSERT_EQ(standings.size(), 2U);
    EXPECT_EQ(standings[0].source, test::alone(1));
    EXPECT_EQ(standings[0].weight, 16U);
    EXPECT_EQ(standings[0].threshold, 10U);
    EXPECT_DOUBLE_EQ(standings[0].share, 0.4);
    EXPECT_EQ(standings[0].tools, bit_of(Tool::nmap));
    EXPECT_EQ(standings[0].ttl, 51);
    ASSERT_EQ(standings[0].ports.size(), 2U);
    EXPECT_EQ(standings[0].ports[1].number, 23);
    EXPECT_EQ(detector.nearest(1, at(4s)).size(), 1U);
}

TEST(SourceRanking, OneSourceStandsOnceThoughItIsCountedForEachHost) {
    Detector detector({});
    for (std::uint32_t host = 1; host <= 3; ++host) {
        Probe probe = test::probe(source(1), 22);
        probe.is_forwarded = true;
        probe.destination = source(1000 + host);
        detector.on_probe(probe, at(1s));
    }
    EXPECT_EQ(detector.nearest(5, at(1s)).size(), 1U);
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/collector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "report/address_text.hpp"

namespace farewell::page {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

core::Address address(const std::string& text) {
    return report::parse_address(text).value_or(core::Address());
}

core::Prefix prefix(const std::string& text) {
    return report::parse_prefix(text).value_or(core::Prefix());
}

core::Time at(std::int64_t milliseconds) {
    return core::Time(std::chrono::milliseconds(1'700'000'000'000 + milliseconds));
}

core::Probe probe(const std::string& source, std::uint16_t port, core::Tool tool = core::Tool::none) {
    core::Probe made;
    made.source = address(source);
    made.port = {.protocol = 6, .number = port};
    made.tool = tool;
    return made;
}

Ban ban(std::int64_t milliseconds, bool soft = true) {
    return {.at = wall_time(at(milliseconds)),
            .until = wall_time(at(milliseconds + 3'600'000)),
            .soft = soft,
            .observed = true,
            .reason = "port_scan",
            .ended = "",
            .kept_out = 5,
            .evidence = Evidence{.criterion = "patient",
                                 .ports = {},
                                 .distinct = 2,
                                 .points = 2,
                                 .tools = {},
                                 .could_be_forged = true,
                                 .ttl = {},
                                 .companions = {}}};
}

std::string numbered(std::size_t number) {
    return "198.18." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1);
}

std::vector<std::string> lines(const std::vector<Tally>& tallies) {
    std::vector<std::string> texts;
    for (const Tally& tally : tallies) {
        texts.push_back(tally.name + " " + std::to_string(tally.sources.value_or(0)) + " " +
                        std::to_string(tally.banned.value_or(0)) + " " +
                        std::to_string(tally.probes.value_or(0)));
    }
    return texts;
}

TEST(Collector, TellsWhoDidWhat) {
    Collector collector(1);
    collector.on_span(at(0), at(1000));
    collector.on_probe(probe("198.18.0.9", 443), at(0), false);
    collector.on_probe(probe("198.18.0.1", 22, core::Tool::nmap), at(10), false);
    collector.on_probe(probe("198.18.0.1", 23, core::Tool::nmap), at(20), false);
    collector.on_ban(prefix("198.18.0.1"), ban(20));
    collector.on_probe(probe("198.18.0.1", 24, core::Tool::nmap), at(30), true);
    Document document;
    collector.finish(document);

    EXPECT_EQ(document.sources_banned, 1U);
    EXPECT_EQ(document.soft_bans, 1U);
    EXPECT_THAT(document.names, ElementsAre("198.18.0.1", "198.18.0.9"));
    ASSERT_EQ(document.sources.size(), 2U);
    EXPECT_EQ(document.sources[0].probes, 2U);
    EXPECT_EQ(document.sources[0].kept_out, 5U);
    EXPECT_EQ(document.sources[0].last, wall_time(at(30)));
    EXPECT_EQ(document.sources[1].bans_total, 0U);
    ASSERT_EQ(document.points.size(), 4U);
    EXPECT_EQ(document.points[0].source, 1U);
    EXPECT_EQ(document.points[3].port, 24U);
    EXPECT_TRUE(document.points[3].kept_out);
    ASSERT_EQ(document.marks.size(), 1U);
    EXPECT_EQ(document.marks[0].source, 0U);
    EXPECT_THAT(lines(document.tools), ElementsAre("nmap 1 1 2", "none recognised 1 0 1"));
    EXPECT_THAT(lines(document.networks), ElementsAre("198.18.0.0/24 2 1 3"));
    EXPECT_THAT(lines(document.ports),
                ElementsAre("tcp/22 0 0 1", "tcp/23 0 0 1", "tcp/24 0 0 1", "tcp/443 0 0 1"));
    EXPECT_THAT(document.notes, IsEmpty());
}

TEST(Collector, AddressesOfABannedNetworkAreOneSource) {
    Collector collector(1);
    collector.on_span(at(0), at(1000));
    collector.on_probe(probe("2001:db8:0:1::1", 22), at(0), false);
    collector.on_probe(probe("2001:db8:0:1::2", 23), at(1), false);
    collector.on_ban(prefix("2001:db8:0:1::/64"), ban(1));
    Document document;
    collector.finish(document);
    EXPECT_THAT(document.names, ElementsAre("2001:db8:0:1::/64"));
    EXPECT_EQ(document.sources[0].probes, 2U);
    EXPECT_THAT(lines(document.networks), ElementsAre("2001:db8:0:1::/64 2 2 2", "2001:db8::/48 2 2 2"));
}

TEST(Collector, AFastScannerDoesNotHideASlowOneAndThePageStaysSmall) {
    Collector collector(1);
    collector.on_span(at(0), at(200'000));
    for (std::int64_t i = 0; i < 200'000; ++i) {
        collector.on_probe(probe("198.18.0.1", static_cast<std::uint16_t>(i)), at(i), false);
        if (i % 20'000 == 0) {
            collector.on_probe(probe("198.18.0.2", static_cast<std::uint16_t>(i)), at(i), false);
        }
    }
    Document document;
    collector.finish(document);
    EXPECT_EQ(document.points_total, 200'010U);
    EXPECT_LE(document.points.size(), kPointsMax);
    EXPECT_GT(document.points.size(), kPointsMax / 2);
    EXPECT_EQ(std::ranges::count_if(document.points, [](const Point& point) { return point.source == 1; }),
              10);
    EXPECT_TRUE(std::ranges::is_sorted(document.points, {}, &Point::at));
    const auto late = std::ranges::count_if(
        document.points, [](const Point& point) { return point.at > wall_time(at(100'000)); });
    EXPECT_NEAR(static_cast<double>(late), static_cast<double>(document.points.size()) / 2, 1000);
}

TEST(Collector, SourcesBeyondTheLimitAreCountedTogether) {
    Collector collector(1, 2);
    collector.on_span(at(0), at(10));
    for (int i = 1; i <= 4; ++i) {
        collector.on_probe(probe("198.18.0." + std::to_string(i), 22), at(i), false);
    }
    Document document;
    collector.finish(document);
    EXPECT_EQ(document.points.size(), 4U);
    EXPECT_THAT(document.names, ElementsAre("198.18.0.1", "198.18.0.2", "one of the sources not told apart"));
    EXPECT_EQ(document.sources_seen, std::nullopt);
    ASSERT_EQ(document.notes.size(), 1U);
    EXPECT_THAT(document.notes[0], HasSubstr("More than 2 sources sent probes. 2 packets"));
    EXPECT_THAT(lines(document.ports), ElementsAre("tcp/22 0 0 4"));
}

TEST(Collector, TheTableIsCutWithTheBannedAndTheBusiestLeft) {
    Collector collector(1);
    collector.on_span(at(0), at(10));
    for (std::size_t i = 0; i < kRowsMax + 5; ++i) {
        collector.on_probe(probe(numbered(i), 22), at(1), false);
    }
    collector.on_probe(probe(numbered(7), 23), at(1), false);
    collector.on_ban(prefix(numbered(kRowsMax + 4)), ban(2));
    Document document;
    collector.finish(document);
    EXPECT_EQ(document.sources.size(), kRowsMax);
    EXPECT_EQ(document.sources_left_out, 5U);
    EXPECT_EQ(document.sources[0].name, numbered(kRowsMax + 4));
    EXPECT_EQ(document.sources[1].name, numbered(7));
    EXPECT_EQ(document.sources_seen, kRowsMax + 5);
}

}  // namespace
}  // namespace farewell::page

// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/history_collector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "page/text.hpp"

namespace farewell::page {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// So many seconds after noon.
std::string at(int seconds) {
    return machine_stamp(*parse_stamp("2026-01-01T12:00:00Z") + std::chrono::seconds(seconds));
}

json ban(const std::string& source, int seconds, int length = 3600) {
    return {{"event", "ban"},
            {"source", source},
            {"at", at(seconds)},
            {"until", at(seconds + length)},
            {"soft", true},
            {"observed", false},
            {"reason", "port_scan"},
            {"evidence",
             {{"criterion", "burst"},
              {"distinct", 2},
              {"points", 4.0},
              {"tools", {"nmap"}},
              {"could_be_forged", true},
              {"ttl", 37},
              {"companions", json::array()}}},
            {"ports",
             {{{"port", "tcp/22"}, {"seen", at(seconds - 1)}, {"kind", "syn"}, {"points", 2.0}},
              {{"port", "udp/53"}, {"seen", at(seconds)}, {"points", 2.0}}}}};
}

json unban(const std::string& source, int seconds, const char* reason) {
    return {
        {"event", "unban"}, {"source", source}, {"at", at(seconds)}, {"observed", false}, {"reason", reason}};
}

class OfHistory : public testing::Test {
 protected:
    Document tell(const std::vector<json>& oldest_first) {
        for (auto event = oldest_first.rbegin(); event != oldest_first.rend(); ++event) {
            collector.on_event(*event);
        }
        Document document;
        document.origin = Origin::history;
        collector.finish(document);
        return document;
    }
    HistoryCollector collector{*parse_stamp(at(0)), *parse_stamp(at(100))};
};

TEST_F(OfHistory, BansAreToldWithTheirEvidence) {
    collector.on_ban_in_force({{"source", "198.18.0.1"}, {"since", at(10)}, {"packets", 7}});
    const Document document = tell({ban("198.18.0.1", 10), ban("2001:db8::/64", 20)});
    EXPECT_EQ(document.sources_banned, 2U);
    EXPECT_EQ(document.probes, std::nullopt);
    EXPECT_THAT(document.names, ElementsAre("198.18.0.1", "2001:db8::/64"));
    const Source& source = document.sources.at(0);
    EXPECT_EQ(source.kept_out, 7U);
    ASSERT_TRUE(source.bans.at(0).evidence);
    EXPECT_EQ(source.bans[0].kept_out, 7U);
    EXPECT_EQ(source.bans[0].evidence->ttl, 37U);
    EXPECT_EQ(source.bans[0].evidence->ports.at(1).port, "udp/53");
    EXPECT_EQ(document.sources[1].kept_out, std::nullopt);
    ASSERT_EQ(document.points.size(), 4U);
    EXPECT_EQ(document.points[1].protocol, 17U);
    EXPECT_EQ(document.points[1].port, 53U);
    EXPECT_EQ(document.points[3].source, 1U);
    EXPECT_EQ(document.ports.at(0).sources, 2U);
    EXPECT_EQ(document.networks.size(), 3U) << "a /24, a /48 and a /64";
}

TEST_F(OfHistory, ABanEndsWhenItWasLifted) {
    const Document document =
        tell({ban("198.18.0.1", 10), unban("198.18.0.1", 15, "by_operator"), ban("198.18.0.1", 20, 10),
              unban("198.18.0.1", 30, "expired"), ban("198.18.0.1", 40), ban("198.18.0.1", 50)});
    const std::vector<Ban>& bans = document.sources.at(0).bans;
    ASSERT_EQ(bans.size(), 4U);
    EXPECT_EQ(bans[0].until, *parse_stamp(at(15)));
    EXPECT_EQ(bans[0].ended, "by_operator");
    EXPECT_EQ(bans[1].ended, "");
    EXPECT_EQ(bans[2].until, *parse_stamp(at(50))) << "the next one took its place";
    std::uint64_t most = 0;
    for (const std::uint64_t active : document.timeline.active) {
        most = std::max(most, active);
    }
    EXPECT_EQ(most, 1U);
}

TEST_F(OfHistory, BansFromBeforeCountAsActive) {
    collector.on_ban_in_force({{"source", "198.18.0.2"}, {"since", at(-500)}});
    const Document document = tell({unban("198.18.0.1", 30, "expired")});
    EXPECT_EQ(document.timeline.active.front(), 2U);
    EXPECT_EQ(document.timeline.active.back(), 1U);
    EXPECT_EQ(document.sources.size(), 0U);
    EXPECT_THAT(document.notes, Contains(HasSubstr("2 bans from before")));
}

TEST_F(OfHistory, ImportedBansCountWhileTheyAreInForce) {
    collector.on_ban_in_force({{"source", "198.18.0.2"}, {"since", at(50)}});
    collector.on_remark({{"event", "imported"}, {"at", at(50)}, {"bans", 2}}, "2 bans out of a list");
    const Document document = tell({unban("198.18.0.1", 60, "by_operator")});
    EXPECT_THAT(document.notes, Not(Contains(HasSubstr("from before"))));
    EXPECT_EQ(document.timeline.active.front(), 0U);
    EXPECT_EQ(document.timeline.active.back(), 1U);
    EXPECT_THAT(document.notes, Contains(HasSubstr("2 bans came out of lists")));
}

TEST_F(OfHistory, WhatCannotBeToldIsSaid) {
    json by_hand = ban("198.18.0.9", 60);
    by_hand["reason"] = "by_operator";
    by_hand["ports"] = json::array();
    collector.on_remark({{"event", "repair"}, {"at", at(70)}}, "the table was removed");
    collector.on_event(ban("198.18.0.1", 0));
    collector.on_event(by_hand);
    collector.on_cut(2);
    const Document document = tell({});
    EXPECT_FALSE(document.sources.at(1).bans.at(0).evidence);
    EXPECT_EQ(document.begin, *parse_stamp(at(60))) << "older events are missing";
    EXPECT_THAT(document.notes, Contains(HasSubstr("only the latest 2 events")));
    EXPECT_THAT(document.notes, Contains(HasSubstr("1 port was tried before the beginning")));
    ASSERT_EQ(document.remarks.size(), 1U);
    EXPECT_EQ(document.remarks[0].text, "the table was removed");
}

TEST_F(OfHistory, StrangeDocumentsHarmNobody) {
    json strange = ban("no address", 10);
    strange["ports"] = {{{"port", "tcp/99999999999"}, {"seen", at(10)}},
                        {{"port", "nonsense"}, {"seen", at(10)}},
                        {{"port", "tcp/22"}, {"seen", "yesterday"}}};
    const Document document = tell({json::object(), {{"event", "ban"}, {"at", "never"}}, strange});
    EXPECT_EQ(document.sources_banned, 1U);
    EXPECT_TRUE(document.points.empty());
    EXPECT_TRUE(document.networks.empty());
}

}  // namespace
}  // namespace farewell::page

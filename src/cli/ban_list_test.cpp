// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/ban_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/address_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> sources(const std::vector<ListedBan>& bans) {
    std::vector<std::string> texts;
    for (const ListedBan& ban : bans) {
        texts.push_back(report::to_text(ban.source));
    }
    return texts;
}

TEST(BanList, ReadsPlainLists) {
    const auto bans = parse_ban_list(
        "# a list\n198.18.0.7\r\n\n  198.18.4.0/24 ; SBL1\n2001:db8:0:1::/64,whatever\n198.18.0.9 # x\n");
    ASSERT_TRUE(bans);
    EXPECT_THAT(sources(*bans),
                ElementsAre("198.18.0.7", "198.18.4.0/24", "2001:db8:0:1::/64", "198.18.0.9"));
    EXPECT_FALSE(bans->front().duration);
    EXPECT_TRUE(parse_ban_list("")->empty());
}

TEST(BanList, NamesEveryMistakeWithItsLine) {
    const auto bans = parse_ban_list("198.18.0.7\nexample.org\n198.18.0.1/24\n0.0.0.0/0\n");
    ASSERT_FALSE(bans);
    EXPECT_THAT(bans.error(),
                ElementsAre(HasSubstr("line 2: "), HasSubstr("line 3: "), HasSubstr("line 4: ")));
}

TEST(BanList, ReadsDecisionsOfCrowdSec) {
    const auto bare = parse_ban_list(
        R"([{"duration":"3h59m49.5s","scope":"Ip","type":"ban","value":"198.18.0.7","scenario":"ssh-bf"},
            {"duration":"4h","scope":"Range","type":"ban","value":"198.18.4.0/24"},
            {"duration":"4h","scope":"Ip","type":"captcha","value":"198.18.0.8"},
            {"duration":"4h","scope":"Country","type":"ban","value":"XX"}])");
    ASSERT_TRUE(bare);
    EXPECT_THAT(sources(*bare), ElementsAre("198.18.0.7", "198.18.4.0/24"));
    EXPECT_EQ(bare->at(0).duration, std::chrono::seconds(4 * 3600 - 11));
    EXPECT_EQ(bare->at(0).note, "ssh-bf");
    EXPECT_EQ(bare->at(1).duration, std::chrono::hours(4));
    const auto listed =
        parse_ban_list(R"([{"id":1,"decisions":[{"value":"198.18.0.7"},{"value":"nobody"}]}])");
    ASSERT_FALSE(listed);
    EXPECT_THAT(listed.error(), ElementsAre(HasSubstr("decisions[1]: ")));
}

TEST(BanList, TellsJsonThatIsNone) {
    EXPECT_THAT(parse_ban_list("{\"bans\": [").error(), ElementsAre(HasSubstr("cut off")));
    EXPECT_THAT(parse_ban_list("{}").error(), ElementsAre(HasSubstr("without a list `bans`")));
    EXPECT_THAT(parse_ban_list(R"({"bans": [5]})").error(), ElementsAre("bans[0]: not an object"));
}

const json kBans = json::parse(R"([
    {"source": "198.18.0.0/16", "family": "ipv4", "reason": "by_operator", "seconds_left": 60},
    {"source": "198.18.0.7", "family": "ipv4", "reason": "port_scan", "seconds_left": 7200},
    {"source": "198.19.0.7", "family": "ipv4", "reason": "port_scan", "seconds_left": 7200},
    {"source": "2001:db8:0:1::/64", "family": "ipv6", "reason": "port_scan", "seconds_left": 10}])");

TEST(BanList, ReadsBackWhatItWrites) {
    for (const ListFormat format : {ListFormat::plain, ListFormat::json, ListFormat::cscli}) {
        const auto bans = parse_ban_list(ban_list_text(kBans, format));
        ASSERT_TRUE(bans);
        EXPECT_THAT(sources(*bans),
                    ElementsAre("198.18.0.0/16", "198.18.0.7", "198.19.0.7", "2001:db8:0:1::/64"));
        if (format != ListFormat::plain) {
            EXPECT_EQ(bans->at(1).duration, std::chrono::hours(2));
        }
    }
}

TEST(BanList, AnIntervalSetHoldsNoBanWithinAnother) {
    const std::string text = ban_list_text(kBans, ListFormat::nft);
    EXPECT_THAT(text, HasSubstr("198.18.0.0/16 timeout 60s"));
    EXPECT_THAT(text, HasSubstr("198.19.0.7 timeout 7200s"));
    EXPECT_THAT(text, HasSubstr("2001:db8:0:1::/64 timeout 10s"));
    EXPECT_THAT(text, Not(HasSubstr("198.18.0.7")));
    EXPECT_THAT(ban_list_text(json::array(), ListFormat::nft), Not(HasSubstr("elements")));
}

}  // namespace
}  // namespace farewell::cli

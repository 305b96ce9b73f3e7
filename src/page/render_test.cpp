// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "page/assets.hpp"
#include "page/data_block.hpp"
#include "page/text.hpp"

namespace farewell::page {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile = "</script><img src=x onerror=alert(1)>\"'&\x01\xff";

WallTime at(std::int64_t milliseconds) {
    return WallTime(std::chrono::milliseconds(1'700'000'000'000 + milliseconds));
}

Evidence evidence(const std::string& word, std::size_t ports = 1) {
    return {
        .criterion = word,
        .ports = std::vector<TriedPort>(ports, {.port = word, .seen = at(0), .kind = word, .points = 0.5}),
        .distinct = ports,
        .points = 1,
        .tools = {word},
        .could_be_forged = true,
        .ttl = 64,
        .companions = {word}};
}

/// Every text is this word.
Document document_of(const std::string& word) {
    Document document;
    document.inputs = {word};
    document.inputs_total = 1;
    document.version = word;
    document.made = at(0);
    document.begin = at(0);
    document.end = at(1000);
    document.sources = {{.name = word,
                         .first = at(0),
                         .last = at(1),
                         .probes = 1234567,
                         .kept_out = {},
                         .bans_total = 1,
                         .bans = {{.at = at(0),
                                   .until = at(9),
                                   .soft = true,
                                   .observed = false,
                                   .reason = word,
                                   .ended = word,
                                   .kept_out = 1,
                                   .evidence = evidence(word)}},
                         .evidence = evidence(word)}};
    document.names = {word};
    document.points = {{.at = at(0), .port = 22, .protocol = 6, .kept_out = false, .source = 0},
                       {.at = at(250), .port = 23, .protocol = 6, .kept_out = true, .source = 0}};
    document.points_total = 2;
    document.tools = document.networks =
        document.ports = {{.name = word, .sources = 1, .banned = 1, .probes = 1}};
    document.remarks = {{.at = at(0), .text = word}};
    document.notes = {word};
    return document;
}

TEST(Escaped, NothingOfItIsMarkup) {
    EXPECT_EQ(escaped("<a b='c' d=\"e\">&"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;");
    EXPECT_EQ(escaped("a\x01z\xff"), R"(a\x01z\xff)");
}

TEST(Numbers, AreGroupedByThree) {
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000),
              "1\xe2\x80\xaf"
              "000");
    EXPECT_EQ(grouped(1234567),
              "1\xe2\x80\xaf"
              "234\xe2\x80\xaf"
              "567");
}

TEST(Stamps, AreOfThePagesClock) {
    EXPECT_EQ(stamp(at(412), std::chrono::minutes(0)), "2023-11-14 22:13:20.412");
    EXPECT_EQ(stamp(at(412), std::chrono::minutes(120)), "2023-11-15 00:13:20.412");
    EXPECT_EQ(zone_text(std::chrono::minutes(-210)), "UTC-03:30");
    EXPECT_EQ(parse_stamp("2023-11-14T22:13:20.412Z"), at(412));
    EXPECT_EQ(parse_stamp("2023-11-14T22:13:20Z"), at(0));
    for (const char* wrong : {"", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20.4Z",
                              "2023-11-14T22:13:20.412+01:00"}) {
        EXPECT_EQ(parse_stamp(wrong), std::nullopt) << wrong;
    }
}

TEST(Render, TextFromOutsideNeverBecomesMarkup) {
    const std::string page = render(document_of(kHostile));
    EXPECT_THAT(page, Not(HasSubstr("<img")));
    EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"));
    std::size_t scripts = 0;
    for (std::size_t found = page.find("</script>"); found != std::string::npos;
         found = page.find("</script>", found + 1)) {
        ++scripts;
    }
    EXPECT_EQ(scripts, 2U) << "the data's and the program's";
    EXPECT_EQ(page.find('\x01'), std::string::npos);
}

TEST(Render, LetsNothingInButItsOwnScriptAndStyle) {
    const std::string page = render(document_of("word"));
    EXPECT_THAT(page, HasSubstr("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                                "script-src 'sha256-"));
    EXPECT_THAT(page, Not(HasSubstr(" style=")));
    EXPECT_THAT(page, Not(HasSubstr(" src=")));
    EXPECT_THAT(page, Not(HasSubstr("unsafe-")));
    EXPECT_THAT(page, HasSubstr("<script>" + std::string(assets::script()) + "</script>"));
    EXPECT_THAT(page, HasSubstr("<style>" + std::string(assets::style()) + "</style>"));
    EXPECT_THAT(page, HasSubstr("Copyright (c) 2022 Leon Sorokin")) << "uPlot's licence asks for it";
}

TEST(Render, HeadlineAndTableNeedNoScript) {
    Document document = document_of("198.18.0.1");
    document.sources_banned = 1;
    const std::string page = render(document);
    EXPECT_THAT(page, HasSubstr("<dt>Sources banned</dt><dd>1</dd>"));
    EXPECT_THAT(page, HasSubstr("<dt>Probes</dt><dd>not known</dd>"));
    EXPECT_THAT(page, HasSubstr("<th scope=\"row\" data-name=\"Source\">198.18.0.1</th>"));
    EXPECT_THAT(page, HasSubstr("data-by=\"1234567\">1\xe2\x80\xaf"
                                "234\xe2\x80\xaf"
                                "567</td>"));
    EXPECT_THAT(page, HasSubstr("<td class=\"number\" data-name=\"Kept out\">–</td>"))
        << "not known is not 0";
    EXPECT_THAT(page, HasSubstr("banned softly"));
}

TEST(Render, SaysThatItSampled) {
    Document document = document_of("word");
    EXPECT_THAT(render(document), Not(HasSubstr("random sample")));
    document.points_total = 3;
    EXPECT_THAT(render(document), HasSubstr("The raster shows 2 of 3 packets"));
}

TEST(Render, NothingFoundIsAPageToo) {
    const std::string page = render(Document{});
    EXPECT_THAT(page, HasSubstr("No source to tell of."));
    EXPECT_EQ(page.find("<section id=\"tools\""), std::string::npos);
}

TEST(DataBlock, TimesAreDifferences) {
    const nlohmann::json data = data_block(document_of("word"));
    EXPECT_EQ(data["begin"], 1'700'000'000'000);
    EXPECT_EQ(data["points"]["tick"], nlohmann::json({0, 2500}));
    EXPECT_EQ(data["points"]["port"], nlohmann::json({22, 23}));
    EXPECT_EQ(data["points"]["kept_out"], nlohmann::json({0, 1}));
}

TEST(Render, TheLargestPageIsStillSmall) {
    Document document = document_of("2001:db8:1111:2222:3333:4444:5555:6666");
    const Source source = document.sources.front();
    document.sources.clear();
    document.names.clear();
    for (std::size_t i = 0; i < kRowsMax; ++i) {
        document.sources.push_back(source);
        document.sources.back().bans.assign(kBansListedMax, source.bans.front());
        for (Ban& ban : document.sources.back().bans) {
            ban.evidence = evidence("tcp/65535", kListedMax);
        }
    }
    document.names.assign(kPointsMax / 3, source.name);
    document.points.clear();
    for (std::size_t i = 0; i < kPointsMax; ++i) {
        document.points.push_back({.at = at(static_cast<std::int64_t>(i) * 1440),
                                   .port = 65535,
                                   .protocol = 6,
                                   .kept_out = false,
                                   .source = static_cast<std::uint32_t>(i % document.names.size())});
    }
    document.marks.assign(kMarksMax, {.at = at(0), .soft = true, .source = 9999});
    EXPECT_LT(render(document).size(), 5U << 20U);
}

}  // namespace
}  // namespace farewell::page

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/document_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/event_lines.hpp"
#include "cli/screens.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

TEST(ForScreen, EveryTextIsMadePrintableWhereverItStands) {
    const json document{
        {"by", "\033c"}, {"list", {{{"note", "a\nb"}}, "\x7f", 7, nullptr}}, {"until", "2026"}};
    const json expected{
        {"by", R"(\x1bc)"}, {"list", {{{"note", R"(a\x0ab)"}}, R"(\x7f)", 7, nullptr}}, {"until", "2026"}};
    EXPECT_EQ(for_screen(document), expected);
}

TEST(ForScreen, TheNoteOfABanIsOneLineThatSteersNothing) {
    const json event{{"event", "ban"},
                     {"at", "2026-11-25T21:00:03.000Z"},
                     {"source", "192.0.2.7"},
                     {"until", "2026-11-25T22:00:03.000Z"},
                     {"reason", "by_operator"},
                     {"note",
                      "\xc2\x9b"
                      "2Jowned"}};
    EXPECT_TRUE(event_line(for_screen(event)).ends_with("by hand: \\xc2\\x9b2Jowned\n"));
}

TEST(JsonLine, IsTheSameDocumentAndSteersNoTerminal) {
    const json document{{"note", "B\u00fcro \033 \x7f \u009b \u202e \u2028 \U0001f642 \"\\"}};
    const std::string line = json_line(document);
    EXPECT_EQ(line, "{\"note\":\"B\u00fcro \\u001b \\u007f \\u009b \\u202e \\u2028 \U0001f642 \\\"\\\\\"}\n");
    EXPECT_EQ(json::parse(line), document);
}

TEST(JsonLine, BytesThatAreNotUtf8CostNobodyTheAnswer) {
    EXPECT_EQ(json_line({{"file", "a\xff.pcap"}}), "{\"file\":\"a\ufffd.pcap\"}\n");
}

}  // namespace
}  // namespace farewell::cli

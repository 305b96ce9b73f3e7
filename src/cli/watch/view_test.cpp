// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/view.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/watch/test_pictures.hpp"

namespace farewell::cli::watch {
namespace {

using nlohmann::json;
using test::ban;
using test::nearest;
using test::picture;
using test::probe;

std::string text_of(const Canvas& canvas) {
    std::string text;
    for (int y = 0; y < canvas.size().height; ++y) {
        text += canvas.row_text(y) + "\n";
    }
    return text;
}

std::size_t dots_in(const Canvas& canvas, int first_row, int last_row) {
    std::size_t cells = 0;
    for (int y = first_row; y <= last_row; ++y) {
        for (int x = 0; x < canvas.size().width; ++x) {
            const char32_t glyph = canvas.at(x, y).glyph;
            cells += glyph > 0x2800 && glyph < 0x2900 ? 1U : 0U;
        }
    }
    return cells;
}

class WatchViewTest : public testing::Test {
 protected:
    WatchViewTest() {
        model.on_picture(picture(120, {probe("10.0.0.1", "tcp/22", 119), probe("10.0.0.9", "tcp/60000", 90)},
                                 {nearest("10.0.0.1", 7.5, 119), nearest("2001:db8:0:7::/64", 2, 60)},
                                 {ban("10.0.0.9", 100)},
                                 {{{"event", "ban"}, {"at", test::stamp(100)}, {"source", "10.0.0.9"}}}));
    }
    Model model;
};

TEST_F(WatchViewTest, EverySizeIsDrawnWithoutFallingOver) {
    for (int width = 1; width < 220; width += 7) {
        for (int height = 1; height < 70; height += 3) {
            const Canvas canvas = draw(model, {.width = width, .height = height}, true);
            EXPECT_EQ(canvas.size(), (Size{.width = width, .height = height}));
        }
    }
    EXPECT_NE(text_of(draw(model, {.width = 59, .height = 24}, true)).find("needs 60x16"), std::string::npos);
}

TEST_F(WatchViewTest, AllOfItFitsOnTheSmallestOrdinaryTerminal) {
    const std::string text = text_of(draw(model, {}, true));
    for (const char* part : {"farewell 1.2.3  enforcing  up 1m30s",
                             "21 packets/s   8 probes/s   5 sources   1 banned (7 since the start)", "-60s",
                             "now", "nearest to a ban", "banned: 1", "10.0.0.1", "7.5/10 1s ago nmap",
                             "████████░░", "10.0.0.9", "soft 59m59s", "q quit", "▲"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
    }
}

TEST_F(WatchViewTest, DotsStandWhereTimeAndPortSay) {
    const Canvas canvas = draw(model, {}, true);
    EXPECT_EQ(dots_in(canvas, 2, 11), 2U);
    bool has_recent = false;
    bool has_old = false;
    for (int y = 2; y < 12; ++y) {
        for (int x = 7; x < 80; ++x) {
            const Cell& cell = canvas.at(x, y);
            if (cell.glyph > 0x2800 && cell.glyph < 0x2900) {
                has_recent |= x >= 77 && y >= 9 && cell.style.ink >= Ink::source;     // a low port, just now
                has_old |= x > 35 && x < 50 && y <= 3 && cell.style.ink == Ink::bad;  // half a minute ago
            }
        }
    }
    EXPECT_TRUE(has_recent && has_old) << text_of(canvas);
}

TEST_F(WatchViewTest, WhatTheFilterDoesNotLetThroughIsNotDrawn) {
    for (const char character : std::string("/tcp/22")) {
        static_cast<void>(model.on_key({.kind = Key::Kind::character, .character = character}));
    }
    const Canvas canvas = draw(model, {}, true);
    EXPECT_EQ(dots_in(canvas, 2, 11), 1U);
    EXPECT_NE(text_of(canvas).find("/tcp/22"), std::string::npos) << "what is being typed";
    EXPECT_NE(text_of(canvas).find("none passes the filter"), std::string::npos);
}

TEST_F(WatchViewTest, WithoutUnicodeThereIsNothingButAscii) {
    for (const Size size : {Size{}, Size{.width = 200, .height = 60}}) {
        for (const char byte : text_of(draw(model, size, false))) {
            ASSERT_LT(static_cast<unsigned char>(byte), 0x80U);
        }
    }
}

TEST_F(WatchViewTest, TheSelectionIsShownInTheActiveListAlone) {
    const auto selected_rows = [this] {
        const Canvas canvas = draw(model, {}, true);
        std::string rows;
        for (int y = 0; y < canvas.size().height; ++y) {
            const std::string row = canvas.row_text(y);
            rows += row.find("▸") != std::string::npos ? row : "";
        }
        return rows;
    };
    EXPECT_EQ(selected_rows().find("▸10.0.0.1"), 0U) << selected_rows();
    static_cast<void>(model.on_key({.kind = Key::Kind::tab}));
    EXPECT_NE(selected_rows().find("▸10.0.0.9"), std::string::npos) << selected_rows();
}

TEST_F(WatchViewTest, AQuestionAnExplanationAndTheHelpAreShown) {
    static_cast<void>(model.on_key({.kind = Key::Kind::character, .character = 'b'}));
    EXPECT_NE(text_of(draw(model, {}, true)).find("ban 10.0.0.1 fully, for ban.duration?  y/n"),
              std::string::npos);
    static_cast<void>(model.on_key({.kind = Key::Kind::escape}));
    static_cast<void>(model.on_key({.kind = Key::Kind::character, .character = '?'}));
    EXPECT_NE(text_of(draw(model, {}, true)).find("any key closes"), std::string::npos);
    EXPECT_EQ(dots_in(draw(model, {}, true), 0, 23), 0U);
}

TEST_F(WatchViewTest, LongLinesOfAnExplanationAreContinuedBelow) {
    static_cast<void>(model.on_key({.kind = Key::Kind::character, .character = '?'}));
    const Canvas narrow = draw(model, kSizeMin, true);
    EXPECT_EQ(text_of(narrow).find("…"), std::string::npos) << text_of(narrow);
    EXPECT_EQ(narrow.row_text(1).substr(0, 12), "      newest") << text_of(narrow);
    EXPECT_NE(narrow.row_text(15).find("Space scroll"), std::string::npos);
    EXPECT_EQ(draw(model, {}, true).row_text(23), "any key closes");
}

}  // namespace
}  // namespace farewell::cli::watch

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/canvas.hpp"

#include <gtest/gtest.h>

#include "cli/watch/raster.hpp"

namespace farewell::cli::watch {
namespace {

TEST(Canvas, TextIsCutOffWhereItsRoomEnds) {
    Canvas canvas({.width = 10, .height = 2});
    EXPECT_EQ(canvas.write(2, 0, "2001:db8::1", {}, 6), 6);
    EXPECT_EQ(canvas.row_text(0), "  2001:…");
    EXPECT_EQ(canvas.write(4, 1, "longer than the screen"), 6);
    EXPECT_EQ(canvas.row_text(1), "    longe…");
    canvas.put(10, 0, U'x');
    canvas.put(0, -1, U'x');
    EXPECT_EQ(canvas.row_text(0), "  2001:…") << "outside nothing happens";
}

TEST(Canvas, WhatWouldSteerTheTerminalIsShownAsAQuestionMark) {
    Canvas canvas({.width = 20, .height = 1});
    canvas.write(0, 0, "a\033[2Jb\n\xff\xe2\x82漢é");
    EXPECT_EQ(canvas.row_text(0), "a?[2Jb?????é");
}

TEST(Canvas, OnlyRowsThatDifferAreSent) {
    Canvas before({.width = 5, .height = 3});
    before.write(0, 0, "one");
    before.write(0, 1, "two");
    Canvas after = before;
    EXPECT_EQ(difference(&before, after, Palette::many), "");
    after.write(0, 1, "2", {.ink = Ink::bad});
    EXPECT_EQ(difference(&before, after, Palette::many), "\033[2;1H\033[0;38;5;196m2\033[0mwo  \033[0m");
    EXPECT_EQ(difference(&before, after, Palette::sixteen), "\033[2;1H\033[0;31m2\033[0mwo  \033[0m");
    EXPECT_EQ(difference(&before, after, Palette::none), "\033[2;1H\033[0m2\033[0mwo  \033[0m");
}

TEST(Canvas, AnotherSizeIsDrawnWhole) {
    const Canvas before({.width = 5, .height = 3});
    const std::string text = difference(&before, Canvas({.width = 6, .height = 2}), Palette::none);
    EXPECT_TRUE(text.starts_with("\033[0m\033[2J")) << text;
    EXPECT_NE(text.find("\033[2;1H"), std::string::npos);
    EXPECT_EQ(text.find("\033[3;1H"), std::string::npos);
}

TEST(Raster, EightDotsToACell) {
    Canvas canvas({.width = 2, .height = 1});
    Raster raster(2, 1);
    raster.dot(0, 0, {}, 0);
    raster.dot(1, 3, {}, 0);
    raster.dot(3, 0, {}, 0);
    raster.dot(4, 0, {}, 0);
    raster.dot(-1, 0, {}, 0);
    raster.draw(canvas, 0, 0, true);
    EXPECT_EQ(canvas.at(0, 0).glyph, U'\u2881');
    EXPECT_EQ(canvas.at(1, 0).glyph, U'\u2808');
    raster.draw(canvas, 0, 0, false);
    EXPECT_EQ(canvas.row_text(0), ":.");
}

TEST(Raster, TheHighestRankColoursACell) {
    Canvas canvas({.width = 1, .height = 1});
    Raster raster(1, 1);
    raster.dot(0, 0, {.ink = Ink::good}, 0);
    raster.dot(0, 1, {.ink = Ink::bad}, 1);
    raster.dot(0, 2, {.ink = Ink::warning}, 0);
    raster.draw(canvas, 0, 0, true);
    EXPECT_EQ(canvas.at(0, 0).style.ink, Ink::bad);
}

}  // namespace
}  // namespace farewell::cli::watch

// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/printable.hpp"

#include <gtest/gtest.h>

#include <string>

namespace farewell::report {
namespace {

using namespace std::string_literals;

TEST(Printable, OrdinaryTextStaysAsItIs) {
    for (const char* text : {"", "nft (process 812)", R"(C:\x1b)", "Büro – 事務所 🙂", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_EQ(printable(text), text);
    }
}

TEST(Printable, NothingSteersATerminal) {
    EXPECT_EQ(printable("a\033[2Jb"), R"(a\x1b[2Jb)");
    EXPECT_EQ(printable("a\r\n2026-01-01 all is well\t\x7f"s + '\0'),
              R"(a\x0d\x0a2026-01-01 all is well\x09\x7f\x00)");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              R"(\xc2\x9b31m)")
        << "a control sequence in one character";
}

TEST(Printable, NothingTurnsTheLineRound) {
    EXPECT_EQ(printable("a\xe2\x80\xae"
                        "b\xe2\x81\xa9"
                        "c\xe2\x80\xa8"
                        "d"),
              R"(a\xe2\x80\xaeb\xe2\x81\xa9c\xe2\x80\xa8d)");
}

TEST(Printable, BytesThatAreNotUtf8AreShownOneByOne) {
    EXPECT_EQ(printable("a\xff\xc3"), R"(a\xff\xc3)") << "cut off";
    EXPECT_EQ(printable("\x80z\xe2\x82z"), R"(\x80z\xe2\x82z)") << "a part, and one without its end";
    EXPECT_EQ(printable("\xc0\x9b\xe0\x82\x9b\xf0\x80\x82\x9b"), R"(\xc0\x9b\xe0\x82\x9b\xf0\x80\x82\x9b)")
        << "longer ways to write controls";
    EXPECT_EQ(printable("\xed\xa0\x80\xf4\x90\x80\x80\xf8"), R"(\xed\xa0\x80\xf4\x90\x80\x80\xf8)")
        << "half of a pair, beyond the last, five bytes";
}

TEST(Printable, WhatIsPrintableIsNotChangedAgain) {
    const std::string once = printable("\033\xff\n");
    EXPECT_EQ(printable(once), once);
}

}  // namespace
}  // namespace farewell::report

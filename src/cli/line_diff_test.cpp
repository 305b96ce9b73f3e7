// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/line_diff.hpp"

#include <gtest/gtest.h>

namespace farewell::cli {
namespace {

using Lines = std::vector<std::string>;

TEST(LineDiff, EqualTextsDoNotDiffer) {
    EXPECT_EQ(line_diff("", ""), Lines{});
    EXPECT_EQ(line_diff("a\nb\n", "a\nb\n"), Lines{});
    EXPECT_EQ(line_diff("a\nb", "a\nb\n"), Lines{}) << "the last line's end says nothing";
}

TEST(LineDiff, NamesWhatOnlyOneOfThemHas) {
    EXPECT_EQ(line_diff("a\nb\nc\n", "a\nc\n"), Lines{"- b"});
    EXPECT_EQ(line_diff("a\nc\n", "a\nb\nc\n"), Lines{"+ b"});
    EXPECT_EQ(line_diff("a\nb\nc\n", "a\nx\nc\n"), (Lines{"- b", "+ x"}));
    EXPECT_EQ(line_diff("", "a\n\n"), (Lines{"+ a", "+ "}));
}

TEST(LineDiff, KeepsAllThatIsCommonInOrder) {
    EXPECT_EQ(line_diff("a\nb\na\nb\nc\n", "b\na\nc\n"), (Lines{"- a", "- b"}));
    EXPECT_EQ(line_diff("a\nb\n", "b\na\n"), (Lines{"- a", "+ a"})) << "what moves is gone and new";
}

}  // namespace
}  // namespace farewell::cli

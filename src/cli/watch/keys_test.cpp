// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farewell::cli::watch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Key::Kind;

Key letter(char character) {
    return {.kind = Kind::character, .character = character};
}

TEST(Keys, LettersAndArrowsInOneRead) {
    EXPECT_THAT(keys_of("j\033[A\033OBk\r\t\x7f"),
                ElementsAre(letter('j'), Key{.kind = Kind::up}, Key{.kind = Kind::down}, letter('k'),
                            Key{.kind = Kind::enter}, Key{.kind = Kind::tab}, Key{.kind = Kind::backspace}));
}

TEST(Keys, AnEscapeAloneIsTheKey) {
    EXPECT_THAT(keys_of("\033"), ElementsAre(Key{.kind = Kind::escape}));
    EXPECT_THAT(keys_of("\033q"), ElementsAre(Key{.kind = Kind::escape}, letter('q')));
}

TEST(Keys, WhatIsUnknownIsLeftOut) {
    EXPECT_THAT(keys_of("\033[15~\033[1;5Cq"), ElementsAre(Key{.kind = Kind::right}, letter('q')));
    EXPECT_THAT(keys_of("\033["), IsEmpty());
    EXPECT_THAT(keys_of("\xc3\xa9\x01"), IsEmpty());
    EXPECT_THAT(keys_of(""), IsEmpty());
}

TEST(Keys, WhatASignalWouldBeOtherwise) {
    EXPECT_THAT(keys_of("\x03\x1a"), ElementsAre(Key{.kind = Kind::interrupt}, Key{.kind = Kind::suspend}));
}

}  // namespace
}  // namespace farewell::cli::watch

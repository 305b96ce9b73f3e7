// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/journal.hpp"

#include <gtest/gtest.h>

#include <array>

#include "service/test_listener.hpp"

namespace farewell::service {
namespace {

using namespace std::string_literals;

TEST(JournalEntry, AFieldIsALine) {
    const std::array fields{Field{"MESSAGE", "192.0.2.7 has been banned"}, Field{"PRIORITY", "6"}};
    EXPECT_EQ(journal_entry(fields), "MESSAGE=192.0.2.7 has been banned\nPRIORITY=6\n");
}

TEST(JournalEntry, ALineBreakNeedsALength) {
    const std::array fields{Field{"MESSAGE", "a\nFAKE=1"}};
    EXPECT_EQ(journal_entry(fields), "MESSAGE\n\x08\0\0\0\0\0\0\0a\nFAKE=1\n"s);
}

TEST(Journal, WhatItDidNotTakeIsTold) {
    auto listener = std::make_unique<TestListener>();
    Journal journal(LocalDatagrams::open(listener->address()).value());
    const std::array fields{Field{"MESSAGE", "one"}};
    journal.send(fields);
    EXPECT_EQ(listener->receive(), "MESSAGE=one\n");
    int sent = 0;  // until it is full: nobody reads
    while (sent < 100'000 && LocalDatagrams::open(listener->address()).value().send("x", false) == 0) {
        ++sent;
    }
    journal.send(fields);
    journal.send(fields);
    for (int i = 0; i < sent; ++i) {
        static_cast<void>(listener->receive());
    }
    EXPECT_EQ(listener->receive(), "");
    journal.send(fields);
    EXPECT_EQ(listener->receive(), "MESSAGE=one\n");
    EXPECT_TRUE(
        listener->receive().starts_with("MESSAGE=the journal did not take 2 lines before this one\n"));
    EXPECT_EQ(listener->receive(), "");
}

}  // namespace
}  // namespace farewell::service

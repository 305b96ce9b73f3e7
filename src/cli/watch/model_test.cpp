// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/watch/test_pictures.hpp"

namespace farewell::cli::watch {
namespace {

using nlohmann::json;
using test::ban;
using test::nearest;
using test::picture;
using test::probe;

class WatchModelTest : public testing::Test {
 protected:
    /// The order that the last of these keys gave.
    std::optional<Order> type(std::string_view bytes) {
        std::optional<Order> order;
        for (const Key& key : keys_of(bytes)) {
            order = model.on_key(key);
        }
        return order;
    }
    void show_three() {
        model.on_picture(picture(60, json::array(), {nearest("10.0.0.1", 9, 59), nearest("10.0.0.2", 5, 58)},
                                 {ban("10.0.0.9", 50)}));
    }

    Model model;
};

TEST_F(WatchModelTest, ASelectedSourceStaysSelectedWhenTheListChangesAroundIt) {
    show_three();
    type("j");
    ASSERT_NE(model.selection(), nullptr);
    EXPECT_EQ(model.selection()->source, "10.0.0.2");
    model.on_picture(picture(61, json::array(), {nearest("10.0.0.2", 9.5, 61), nearest("10.0.0.1", 9, 59)}));
    EXPECT_EQ(model.selection()->source, "10.0.0.2");
    model.on_picture(picture(62, json::array(), {nearest("10.0.0.1", 9, 59)}));
    EXPECT_EQ(model.selection()->source, "10.0.0.1") << "the one it was is gone";
    model.on_picture(picture(63));
    EXPECT_EQ(model.selection(), nullptr);
    type("jjkk");
}

TEST_F(WatchModelTest, BansAndUnbansAreAskedForFirst) {
    show_three();
    EXPECT_FALSE(type("b"));
    EXPECT_EQ(model.mode(), Mode::confirming);
    EXPECT_FALSE(type("x")) << "answers nothing";
    const auto order = type("y");
    ASSERT_TRUE(order);
    EXPECT_EQ(order->method(), "io.farewell.AddBan");
    EXPECT_EQ(order->parameters(), json({{"source", "10.0.0.1"}}));
    EXPECT_EQ(model.mode(), Mode::normal);
    EXPECT_FALSE(type("bn")) << "no";
    EXPECT_FALSE(type("y")) << "nothing is asked any more";

    type("\t");
    type("u");
    EXPECT_EQ(model.question(), "let 10.0.0.9 in again?");
    EXPECT_EQ(type("y")->method(), "io.farewell.RemoveBan");
    type("a");
    EXPECT_EQ(type("y")->method(), "io.farewell.AddAllowed");
}

TEST_F(WatchModelTest, WhatIsAskedForIsTheSourceOfThatMoment) {
    show_three();
    type("b");
    model.on_picture(picture(61, json::array(), {nearest("10.0.0.7", 9, 61)}));
    EXPECT_EQ(type("y")->source, "10.0.0.1") << "not whoever has come to stand there";
}

TEST_F(WatchModelTest, NobodyIsUnbannedWhoIsNotBanned) {
    show_three();
    EXPECT_FALSE(type("u"));
    EXPECT_EQ(model.mode(), Mode::normal);
    EXPECT_EQ(model.message(), "10.0.0.1 is not banned");
    EXPECT_TRUE(model.is_message_bad());
    EXPECT_FALSE(type("y"));
}

TEST_F(WatchModelTest, WithoutASelectionNothingIsAsked) {
    model.on_picture(picture(60));
    for (const char* key : {"b", "u", "a", "e", "\r"}) {
        EXPECT_FALSE(type(key)) << key;
        EXPECT_EQ(model.message(), "nobody is selected");
    }
}

TEST_F(WatchModelTest, AnExplanationIsReadAndClosed) {
    show_three();
    const auto order = type("\r");
    ASSERT_TRUE(order);
    EXPECT_EQ(order->parameters(), json({{"address", "10.0.0.1"}}));
    EXPECT_EQ((Order{.source = "10.0.0.0/24"}.parameters()), json({{"address", "10.0.0.0"}}));
    type("?");
    EXPECT_EQ(model.mode(), Mode::reading);
    EXPECT_GT(model.page().size(), 10U);
    type("jj k");
    EXPECT_EQ(model.page_top(), 11U);
    for (int i = 0; i < 20; ++i) {
        type(" ");
    }
    EXPECT_EQ(model.page_top(), model.page().size() - 1);
    type("q");
    EXPECT_EQ(model.mode(), Mode::normal);
    EXPECT_FALSE(model.wants_to_quit()) << "it closed the page";
}

TEST_F(WatchModelTest, WhatANoteSaysIsNoLineOfItsOwn) {
    model.on_answer({.kind = Order::Kind::explain, .source = "10.0.0.1"},
                    {{"address", "10.0.0.1"},
                     {"banned", true},
                     {"ports", json::array()},
                     {"ban",
                      {{"source", "10.0.0.1"},
                       {"soft", false},
                       {"state", "enforced"},
                       {"reason", "by_operator"},
                       {"note", "the office\n10.0.0.1  never banned"},
                       {"since", test::stamp(0)},
                       {"until", test::stamp(60)},
                       {"seconds_left", 60}}}});
    EXPECT_EQ(model.page().at(1), R"(  banned by hand: the office\x0a10.0.0.1  never banned)");
}

TEST_F(WatchModelTest, AFailureIsShownAsTheDaemonSaysIt) {
    show_three();
    model.on_failure({.error = "", .message = "there is no method `io.farewell.AddAllowed`", .details = {}});
    EXPECT_EQ(model.message(), "there is no method `io.farewell.AddAllowed`");
    EXPECT_TRUE(model.is_message_bad());
    type("j");
    EXPECT_EQ(model.message(), "");
}

TEST_F(WatchModelTest, TheFilterIsOfAddressesAndPorts) {
    show_three();
    type("/0.2\r");
    ASSERT_EQ(model.nearest().rows.size(), 1U);
    EXPECT_EQ(model.nearest().rows[0].source, "10.0.0.2");
    EXPECT_TRUE(model.bans().rows.empty());
    EXPECT_TRUE(model.is_wanted({.source = "10.0.0.2", .port = "tcp/1"}));
    EXPECT_FALSE(model.is_wanted({.source = "10.0.0.1", .port = "tcp/1"}));
    type(
        "/\x7f\x7f\x7f"
        "22\r");
    EXPECT_EQ(model.filter(), "22");
    EXPECT_EQ(model.nearest().rows.size(), 2U) << "both tried it";
    EXPECT_TRUE(model.is_wanted({.source = "10.0.0.1", .port = "tcp/22"}));
    EXPECT_FALSE(model.is_wanted({.source = "10.0.0.1", .port = "tcp/2222"}));
    type("\033");
    EXPECT_EQ(model.filter(), "");
    EXPECT_EQ(model.bans().rows.size(), 1U);
}

TEST_F(WatchModelTest, PausedThePictureStandsStillAndNothingIsMissed) {
    show_three();
    type("p");
    model.on_picture(picture(70, {probe("10.0.0.3", "tcp/80", 69)}, {nearest("10.0.0.3", 1, 69)}));
    EXPECT_EQ(model.nearest().rows.size(), 2U);
    EXPECT_EQ(std::fmod(model.now(), 3600), 60);
    type("p");
    model.on_picture(picture(71));
    EXPECT_EQ(std::fmod(model.now(), 3600), 71);
    EXPECT_EQ(model.probes().size(), 1U);
}

TEST_F(WatchModelTest, WhatIsRememberedIsBounded) {
    json probes = json::array();
    for (int i = 0; i < 1000; ++i) {
        probes.push_back(probe("10.0.0.1", "tcp/80", 1));
    }
    for (int i = 0; i < 20; ++i) {
        model.on_picture(picture(i, probes));
    }
    EXPECT_EQ(model.probes().size(), Model::kProbesMax);
    EXPECT_EQ(model.probes().back().number, 80);
}

TEST_F(WatchModelTest, QuitsByQAndByCtrlC) {
    type("q");
    EXPECT_TRUE(model.wants_to_quit());
    Model other;
    static_cast<void>(other.on_key({.kind = Key::Kind::character, .character = '/'}));
    static_cast<void>(other.on_key({.kind = Key::Kind::character, .character = 'q'}));
    EXPECT_FALSE(other.wants_to_quit()) << "it is part of the filter";
    static_cast<void>(other.on_key({.kind = Key::Kind::interrupt}));
    EXPECT_TRUE(other.wants_to_quit());
    static_cast<void>(other.on_key({.kind = Key::Kind::suspend}));
    EXPECT_TRUE(other.take_suspend());
    EXPECT_FALSE(other.take_suspend());
}

}  // namespace
}  // namespace farewell::cli::watch

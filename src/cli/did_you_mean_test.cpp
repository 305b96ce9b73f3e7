// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/did_you_mean.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <vector>

namespace farewell::cli {
namespace {

class DidYouMean : public testing::Test {
 protected:
    DidYouMean() {
        app.add_flag("--json");
        app.add_subcommand("status");
        CLI::App* bans = app.add_subcommand("bans");
        bans->add_subcommand("list");
        bans->add_subcommand("remove")->add_flag("--all");
    }
    [[nodiscard]] std::string guess(const std::vector<const char*>& words) const {
        return did_you_mean(app, words).value_or("nothing");
    }
    CLI::App app;
};

TEST_F(DidYouMean, FindsCommandsWhereTheyStand) {
    EXPECT_EQ(guess({"statsu"}), "status");
    EXPECT_EQ(guess({"bans", "lst"}), "list");
    EXPECT_EQ(guess({"--json", "ban", "list"}), "bans");
}

TEST_F(DidYouMean, KnowsNoCommandOfAnotherPlace) {
    EXPECT_EQ(guess({"lst"}), "nothing");
    EXPECT_EQ(guess({"bans", "statsu"}), "nothing");
}

TEST_F(DidYouMean, FindsOptionsOfTheCommandAndOfThoseAroundIt) {
    EXPECT_EQ(guess({"bans", "remove", "--al"}), "--all");
    EXPECT_EQ(guess({"bans", "remove", "--jsno"}), "--json");
    EXPECT_EQ(guess({"status", "--al"}), "nothing");
}

TEST_F(DidYouMean, LeavesArgumentsAlone) {
    EXPECT_EQ(guess({"bans", "remove", "statsu"}), "nothing");
    EXPECT_EQ(guess({"status"}), "nothing");
}

}  // namespace
}  // namespace farewell::cli

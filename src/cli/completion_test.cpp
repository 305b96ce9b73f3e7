// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/completion_scripts.hpp"
#include "cli/completion_tree.hpp"

namespace farewell::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A program of two commands, with an option of each kind.
class Completion : public testing::Test {
 protected:
    Completion() {
        app.add_flag("-q,--quiet", flag, "the daemon's silence");
        app.add_option("--when", text, "a word")->check(CLI::IsMember({"always", "never"}));
        CLI::App* outer = app.add_subcommand("bans", "what is banned");
        CLI::App* inner = outer->add_subcommand("import", "from a file");
        inner->add_option("path", text, "a file")->type_name("FILE");
        inner->add_option("--for", text, "how long");
        tree = completion_tree(app, "program");
    }
    CLI::App app;
    bool flag = false;
    std::string text;
    std::vector<CompletedCommand> tree;
};

TEST_F(Completion, FindsEveryCommandWithItsPath) {
    ASSERT_EQ(tree.size(), 3U);
    EXPECT_EQ(tree[0].path, "program");
    EXPECT_EQ(tree[2].path, "program bans import");
    EXPECT_EQ(tree[2].name(), "import");
    EXPECT_TRUE(tree[2].is_child_of(tree[1]));
    EXPECT_FALSE(tree[2].is_child_of(tree[0]));
}

TEST_F(Completion, KnowsWhatOptionsTake) {
    const auto& options = tree[0].options;
    ASSERT_EQ(options.size(), 3U) << "with --help";
    EXPECT_THAT(options[1].names, ElementsAre("-q", "--quiet"));
    EXPECT_EQ(options[1].value, std::nullopt);
    ASSERT_TRUE(options[2].value);
    EXPECT_THAT(options[2].value->words, ElementsAre("always", "never"));
    EXPECT_FALSE(options[2].value->files);
}

TEST_F(Completion, KnowsWhatArgumentsAre) {
    EXPECT_TRUE(tree[2].argument.files);
    EXPECT_THAT(tree[2].argument.words, IsEmpty());
    EXPECT_EQ(tree[1].argument, PlaceContent{});
}

TEST_F(Completion, QuotesWhatShellsWouldTakeApart) {
    EXPECT_THAT(zsh_completion(tree), HasSubstr(R"('--quiet:the daemon'\''s silence')"));
    EXPECT_THAT(fish_completion(tree), HasSubstr(R"(-s q -l quiet -d 'the daemon\'s silence')"));
}

}  // namespace
}  // namespace farewell::cli

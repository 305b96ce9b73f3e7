// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/small_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <cerrno>

namespace farewell::host {
namespace {

class SmallFile : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "farewell-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    std::filesystem::path directory;
};

TEST_F(SmallFile, IsReplacedAsAWhole) {
    const auto file = directory / "services";
    EXPECT_EQ(replace_file(file, "a long first text\n"), 0);
    EXPECT_EQ(replace_file(file, "short\n"), 0);
    EXPECT_EQ(read_file(file, 100).value(), "short\n");
    EXPECT_FALSE(std::filesystem::exists(directory / "services.new"));
}

TEST_F(SmallFile, IsReadUpToALimit) {
    const auto file = directory / "services";
    const std::string text(10'000, 'x');
    ASSERT_EQ(replace_file(file, text), 0);
    EXPECT_EQ(read_file(file, text.size()).value(), text);
    EXPECT_EQ(read_file(file, text.size() - 1).error(), EFBIG);
}

TEST_F(SmallFile, ErrorsAreErrnos) {
    EXPECT_EQ(read_file(directory / "nothing", 100).error(), ENOENT);
    EXPECT_EQ(read_file(directory, 100).error(), EISDIR);
    EXPECT_EQ(replace_file(directory / "missing" / "services", "x"), ENOENT);
}

TEST_F(SmallFile, WhatCannotBeReplacedLeavesNothingBehind) {
    const auto file = directory / "services";
    ASSERT_TRUE(std::filesystem::create_directories(file / "not_empty"));
    EXPECT_NE(replace_file(file, "x"), 0);
    EXPECT_FALSE(std::filesystem::exists(directory / "services.new"));
}

TEST_F(SmallFile, NobodyElsesFileIsWrittenThroughALink) {
    const auto other = directory / "other";
    ASSERT_EQ(replace_file(other, "precious"), 0);
    std::filesystem::create_symlink(other, directory / "services.new");
    EXPECT_EQ(replace_file(directory / "services", "x"), ELOOP);
    EXPECT_EQ(read_file(other, 100).value(), "precious");
}

}  // namespace
}  // namespace farewell::host

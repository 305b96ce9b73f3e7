// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/file_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace farewell::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileOutput : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "farewell-output-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { fs::remove_all(folder); }

    static std::string text_of(const fs::path& file) {
        std::ifstream stream(file);
        std::ostringstream text;
        text << stream.rdbuf();
        return text.str();
    }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
    }

    fs::path folder;
};

TEST_F(FileOutput, MakesAndReplacesAFileAndLeavesNothingBesideIt) {
    const fs::path file = folder / "report.html";
    ASSERT_TRUE(write_file(file, "first"));
    ASSERT_TRUE(write_file(file, "second"));
    EXPECT_EQ(text_of(file), "second");
    EXPECT_EQ(files(), 1U);
}

TEST_F(FileOutput, TheModeIsTheUsualOne) {
    const mode_t before = umask(027);
    const fs::path file = folder / "report.html";
    ASSERT_TRUE(write_file(file, "x"));
    umask(before);
    struct stat status{};
    ASSERT_EQ(stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST_F(FileOutput, ALinkStaysALinkAndADeviceADevice) {
    const fs::path file = folder / "report.html";
    ASSERT_TRUE(write_file(file, "first"));
    fs::create_symlink(file, folder / "link");
    ASSERT_TRUE(write_file(folder / "link", "second"));
    EXPECT_TRUE(fs::is_symlink(folder / "link"));
    EXPECT_EQ(text_of(file), "second");
    ASSERT_TRUE(write_file("/dev/null", "x"));
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(FileOutput, ErrorsNameThePathAndTheReason) {
    const auto absent = write_file(folder / "absent" / "report.html", "x");
    ASSERT_FALSE(absent);
    EXPECT_THAT(absent.error(), HasSubstr("absent/report.html: No such file or directory"));
    const auto directory = write_file(folder, "x");
    ASSERT_FALSE(directory);
    EXPECT_THAT(directory.error(), HasSubstr("Is a directory"));
    const auto full = write_file("/dev/full", "x");
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error(), HasSubstr("write /dev/full: No space left on device"));
}

}  // namespace
}  // namespace farewell::cli

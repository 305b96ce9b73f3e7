// SPDX-License-Identifier: GPL-2.0-or-later
// A disk of one MiB that is full, in a mount namespace of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "history/test_records.hpp"

namespace farewell::history {
namespace {

using test::numbered;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class FullDisk : public testing::Test {
 protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: a mount namespace";
        }
        ASSERT_EQ(unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(mount("none", folder.path().c_str(), "tmpfs", 0, "size=1m"), 0);
    }
    void TearDown() override {
        if (geteuid() == 0) {
            umount2(folder.path().c_str(), MNT_DETACH);
        }
    }
    void fill() const {
        std::ofstream file(ballast());
        while (file << std::string(4096, 'b') << std::flush) {
        }
    }
    std::filesystem::path ballast() const { return folder.path() / "ballast"; }

    test::TemporaryFolder folder;
    test::Lines lines;
    Archive archive{folder.file(), {}, lines.tell()};
};

TEST_F(FullDisk, MeansMemoryUntilThereIsRoomAndNothingIsLost) {
    archive.open(test::at(0));
    for (std::uint32_t number = 0; number < 20; ++number) {
        archive.record({numbered(number)});
    }
    ASSERT_FALSE(archive.is_in_trouble());
    fill();
    for (std::uint32_t number = 20; number < 200; ++number) {
        archive.record({numbered(number)});
        archive.retry(test::at(0));
    }
    ASSERT_THAT(lines.all, ElementsAre(AllOf(StartsWith("warning: "), HasSubstr("full"))));
    EXPECT_GT(archive.waiting(), 100U);
    EXPECT_EQ(archive.events({.max = 1000}).size(), 200U) << "what the file has can still be read";
    std::filesystem::remove(ballast());
    archive.retry(test::at(0));
    EXPECT_THAT(lines.all, ElementsAre(testing::_, StartsWith("info: ")));
    EXPECT_EQ(archive.waiting(), 0U);
    const auto kept = archive.events({.max = 1000});
    ASSERT_EQ(kept.size(), 200U);
    for (std::uint32_t number = 0; number < 200; ++number) {
        EXPECT_EQ(kept[number].source, numbered(number).source);
    }
}

TEST_F(FullDisk, AtTheStart) {
    fill();
    archive.open(test::at(0));
    archive.record({numbered(1)});
    EXPECT_THAT(lines.all, ElementsAre(StartsWith("warning: ")));
    EXPECT_EQ(archive.waiting(), 1U);
    std::filesystem::remove(ballast());
    archive.retry(test::at(0));
    EXPECT_FALSE(archive.is_in_trouble()) << archive.trouble();
    EXPECT_EQ(archive.count(), 1U);
}

}  // namespace
}  // namespace farewell::history

// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "history/test_records.hpp"

namespace farewell::history {
namespace {

using test::at;
using test::ban;
using test::numbered;
using test::prefix;
using test::texts;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ArchiveTest : public testing::Test {
 protected:
    test::TemporaryFolder folder;
    test::Lines lines;
    Archive archive{folder.file(), {}, lines.tell()};
};

TEST_F(ArchiveTest, AllIsWell) {
    archive.open(at(0));
    archive.record({ban("198.18.0.1", 1), ban("198.18.0.2", 2)});
    EXPECT_EQ(archive.waiting(), 0U);
    EXPECT_EQ(archive.count(), 2U);
    EXPECT_THAT(lines.all, IsEmpty());
}

TEST_F(ArchiveTest, AFolderThatCannotBeWrittenMeansMemoryUntilItCan) {
    std::filesystem::create_directory(folder.file());  // in the way, also for root
    archive.open(at(0));
    archive.record({ban("198.18.0.1", 1)});
    archive.retry(at(2));
    archive.record({ban("198.18.0.2", 3)});
    ASSERT_THAT(lines.all, ElementsAre(AllOf(StartsWith("warning: the history is kept in memory only"),
                                             HasSubstr("Is a directory"))));
    EXPECT_THAT(archive.trouble(), HasSubstr(folder.file().string()));
    EXPECT_THAT(texts(archive.events({})), ElementsAre("ban 198.18.0.1@1", "ban 198.18.0.2@3"));
    const auto latest = archive.latest_ban(prefix("198.18.0.2"));
    EXPECT_EQ(latest.value_or(Record()).at, at(3));
    EXPECT_EQ(archive.earlier_bans(prefix("198.18.0.1").address, at(9)).count, 1U);
    EXPECT_EQ(archive.offenders(10, at(0)).size(), 2U);

    std::filesystem::remove(folder.file());
    archive.retry(at(4));
    EXPECT_THAT(lines.all, ElementsAre(testing::_, AllOf(StartsWith("info: "), HasSubstr("again"))));
    EXPECT_FALSE(archive.is_in_trouble());
    EXPECT_EQ(archive.waiting(), 0U);
    archive.record({ban("198.18.0.1", 5)});
    EXPECT_THAT(texts(archive.events({})),
                ElementsAre("ban 198.18.0.1@1", "ban 198.18.0.2@3", "ban 198.18.0.1@5"));
}

TEST_F(ArchiveTest, AFolderOfSomebodyElse) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root to become somebody else";
    }
    ASSERT_EQ(seteuid(65534), 0);
    archive.open(at(0));
    ASSERT_EQ(seteuid(0), 0);
    archive.record({ban("198.18.0.1", 1)});
    EXPECT_THAT(lines.all, ElementsAre(HasSubstr("Permission denied")));
    EXPECT_EQ(archive.waiting(), 1U);
}

TEST_F(ArchiveTest, MemoryIsBoundedAndWhatIsLostIsCounted) {
    std::filesystem::create_directory(folder.file());
    archive.open(at(0));
    for (std::uint32_t number = 0; number < Archive::kWaitingMax + 10; ++number) {
        archive.record({numbered(number)});
    }
    EXPECT_EQ(archive.waiting(), Archive::kWaitingMax);
    EXPECT_EQ(archive.lost(), 10U);
    EXPECT_EQ(archive.events({.max = 100'000}).front().source, numbered(10).source);
}

TEST_F(ArchiveTest, ACorruptFileIsSetAsideAndAFreshOneBegun) {
    std::ofstream(folder.file()) << std::string(8192, 'g');
    archive.open(at(0));
    archive.record({ban("198.18.0.1", 1)});
    EXPECT_THAT(lines.all,
                ElementsAre(AllOf(StartsWith("warning: the history was corrupt"),
                                  HasSubstr("set aside as " + folder.file().string() + ".corrupt"))));
    EXPECT_FALSE(archive.is_in_trouble());
    EXPECT_EQ(archive.count(), 1U);
    EXPECT_EQ(std::filesystem::file_size(folder.file().string() + ".corrupt"), 8192U);
}

TEST_F(ArchiveTest, ACorruptFileThatCannotBeSetAsideMeansMemoryUntilItCan) {
    std::ofstream(folder.file()) << std::string(8192, 'g');
    const std::filesystem::path in_the_way = folder.file().string() + ".corrupt";
    std::filesystem::create_directory(in_the_way);
    archive.open(at(0));
    archive.record({ban("198.18.0.1", 1)});
    const std::string trouble = archive.trouble();
    archive.retry(at(2));
    EXPECT_EQ(archive.trouble(), trouble);
    EXPECT_THAT(lines.all, ElementsAre(AllOf(StartsWith("warning: "), HasSubstr("in the way"))));
    std::filesystem::remove(in_the_way);
    archive.retry(at(3));
    EXPECT_THAT(lines.all, ElementsAre(testing::_, HasSubstr("set aside"), StartsWith("info: ")));
    EXPECT_EQ(archive.count(), 1U);
}

TEST_F(ArchiveTest, AFileThatTurnsOutToBeCorruptInUseIsReplaced) {
    archive.open(at(0));
    for (std::uint32_t number = 0; number < 2000; ++number) {  // more than is kept in memory
        archive.record({numbered(number)});
    }
    {
        std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        for (int page = 1; page < 400; ++page) {
            file << std::string(4096, 'g');
        }
    }
    EXPECT_LT(archive.events({.max = 100'000}).size(), 2000U);
    ASSERT_TRUE(archive.is_in_trouble());
    archive.record({ban("198.18.0.1", 1)});
    archive.retry(at(2));
    EXPECT_FALSE(archive.is_in_trouble()) << archive.trouble();
    EXPECT_THAT(texts(archive.events({})), ElementsAre("ban 198.18.0.1@1"));
    EXPECT_THAT(lines.all,
                ElementsAre(HasSubstr("in memory only"), HasSubstr("set aside"), HasSubstr("again")));
}

TEST_F(ArchiveTest, AFileOfANewerFarewellIsLeftAlone) {
    archive.open(at(0));
    archive = Archive(folder.file(), {}, lines.tell());
    {
        auto database = Database::open(folder.file());
        ASSERT_TRUE(database->run("PRAGMA user_version = 2"));
    }
    const auto size = std::filesystem::file_size(folder.file());
    archive.open(at(0));
    archive.record({ban("198.18.0.1", 1)});
    EXPECT_THAT(lines.all, ElementsAre(HasSubstr("newer farewell")));
    EXPECT_EQ(archive.waiting(), 1U);
    EXPECT_EQ(std::filesystem::file_size(folder.file()), size);
    EXPECT_FALSE(std::filesystem::exists(folder.file().string() + ".corrupt"));
}

TEST_F(ArchiveTest, AnErrorOfTheDiskMeansMemoryUntilItIsOver) {
    archive.open(at(0));
    archive.record({ban("198.18.0.1", 1)});
    // No file of this process may be written: EFBIG.
    struct rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit tight{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    archive.record({ban("198.18.0.2", 2)});
    archive.retry(at(3));
    const bool was_in_trouble = archive.is_in_trouble();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, previous);
    EXPECT_TRUE(was_in_trouble);
    EXPECT_THAT(lines.all, ElementsAre(StartsWith("warning: ")));
    archive.retry(at(4));
    EXPECT_FALSE(archive.is_in_trouble()) << archive.trouble();
    EXPECT_THAT(lines.all, ElementsAre(StartsWith("warning: "), StartsWith("info: ")));
    EXPECT_THAT(texts(archive.events({})), ElementsAre("ban 198.18.0.1@1", "ban 198.18.0.2@2"));
}

}  // namespace
}  // namespace farewell::history

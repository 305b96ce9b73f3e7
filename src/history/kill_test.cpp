// SPDX-License-Identifier: GPL-2.0-or-later
// A writer that is killed at any moment leaves a whole file with all that it had been told was kept.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "history/test_records.hpp"

namespace farewell::history {
namespace {

// So small that the log is emptied into the file, and the oldest are forgotten, all the time.
constexpr Bounds kSmall{.size = std::size_t{1} << 20, .age = std::chrono::hours(24 * 366 * 100)};

std::uint32_t number_of(const Record& record) {
    return nlohmann::json::parse(record.detail).at("number").get<std::uint32_t>();
}

/// Four times the usual size: after 200 of them the first is forgotten.
Record large(std::uint32_t number) {
    Record record = test::numbered(number);
    record.detail.insert(record.detail.size() - 2, std::string(3000, 'y'));
    return record;
}

/// Appends numbered records from `next` on until it is killed, and says so of each batch once it is kept.
[[noreturn]] void write_for_ever(const std::filesystem::path& file, std::uint32_t next, int acknowledge) {
    auto store = Store::open(file, kSmall, test::at(0));
    if (!store) {
        _exit(1);
    }
    while (true) {
        const std::uint32_t count = 1 + next % 23;
        std::vector<Record> batch;
        batch.reserve(count);
        for (std::uint32_t i = 0; i < count; ++i) {
            batch.push_back(large(next + i));
        }
        next += static_cast<std::uint32_t>(batch.size());
        if (!store->append(batch) || write(acknowledge, &next, sizeof next) != sizeof next ||
            !store->forget_surplus()) {
            _exit(2);
        }
    }
}

int writes_left = 0;  // of a writer that is to die in the middle of one

/// In place of pwrite(2): the last one is torn.
ssize_t deadly_write(int fd, const void* bytes, std::size_t size, off_t offset) {
    if (--writes_left == 0) {
        static_cast<void>(pwrite(fd, bytes, size / 2, offset));
        kill(getpid(), SIGKILL);
    }
    return pwrite(fd, bytes, size, offset);
}

void die_in_write(int number) {
    writes_left = number;
    sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
    for (const char* name : {"pwrite", "pwrite64"}) {  // whichever this SQLite was built with
        // SQLite's interface for such tests takes every function by this type.
        system->xSetSystemCall(system, name, reinterpret_cast<sqlite3_syscall_ptr>(deadly_write));  // NOLINT
    }
}

/// One writer after the other on one file, and what each of them leaves behind.
class Kill : public testing::Test {
 protected:
    /// `prepare` runs in the writer, `meanwhile` here, with its process, which must be dying when it returns.
    template <typename Prepare, typename Meanwhile>
    void round(Prepare prepare, Meanwhile meanwhile) {
        std::array<int, 2> ends{};
        ASSERT_EQ(pipe(ends.data()), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            prepare();
            write_for_ever(folder.file(), next, ends[1]);
        }
        close(ends[1]);
        meanwhile(child);
        int status = 0;
        waitpid(child, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << WEXITSTATUS(status);
        std::uint32_t acknowledged = next;
        while (read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
        }
        close(ends[0]);
        rounds_with_records += acknowledged > next ? 1 : 0;
        check(acknowledged);
    }
    /// The file is whole, and holds everything up to what was acknowledged, in order.
    void check(std::uint32_t acknowledged) {
        {
            auto database = Database::open(folder.file());
            ASSERT_TRUE(database);
            auto integrity = database->prepare("PRAGMA integrity_check");
            ASSERT_TRUE(integrity) << integrity.error().message;
            ASSERT_TRUE(integrity->step().value());
            ASSERT_EQ(integrity->text(0), "ok");
        }
        const auto store = Store::open(folder.file(), kSmall, test::at(0));
        ASSERT_TRUE(store) << store.error().message;
        const auto kept = store->events({.max = 1'000'000});
        ASSERT_TRUE(kept);
        for (std::size_t i = 1; i < kept->size(); ++i) {
            ASSERT_EQ(number_of((*kept)[i]), number_of((*kept)[i - 1]) + 1);
        }
        const std::uint32_t end = kept->empty() ? 0 : number_of(kept->back()) + 1;
        ASSERT_GE(end, acknowledged);
        next = end;
    }

    test::TemporaryFolder folder;
    std::uint32_t next = 0;
    std::uint32_t rounds_with_records = 0;
};

TEST_F(Kill, AtAnyTimeLeavesAWholeFileWithAllThatWasAcknowledged) {
    const auto seed = std::random_device{}();
    std::mt19937 random(seed);
    for (int i = 0; i < 40; ++i) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", round " << i);
        const auto life = std::chrono::microseconds(random() % 60'000);
        round([] {},
              [life](pid_t child) {
                  std::this_thread::sleep_for(life);
                  kill(child, SIGKILL);
              });
        ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_GT(rounds_with_records, 5U) << "too slow to show anything";
}

TEST_F(Kill, InTheMiddleOfAnyWriteLeavesAWholeFileWithAllThatWasAcknowledged) {
    const auto seed = std::random_device{}();
    std::mt19937 random(seed);
    for (int i = 0; i < 80; ++i) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", round " << i);
        // The first writes make the file; then every one of them for a while, then any.
        const int number = i < 30 ? i + 1 : 1 + static_cast<int>(random() % 400);
        round([number] { die_in_write(number); }, [](pid_t /*dies by itself*/) {});
        ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_GT(next, 400U) << "nothing was ever forgotten";
}

}  // namespace
}  // namespace farewell::history

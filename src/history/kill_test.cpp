// SPDX-License-Identifier: GPL-2.0-or-later
// A writer that is killed at any moment leaves a whole file with all that it had been told was kept.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

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
        std::vector<Record> batch;
        for (std::uint32_t i = 0; i < 1 + next % 23; ++i) {
            batch.push_back(large(next + i));
        }
        next += static_cast<std::uint32_t>(batch.size());
        if (!store->append(batch) || write(acknowledge, &next, sizeof next) != sizeof next ||
            !store->forget_surplus()) {
            _exit(2);
        }
    }
}

/// Lets a writer live for a while; returns what it has acknowledged last, or `next` if nothing.
std::uint32_t run_and_kill(const std::filesystem::path& file, std::uint32_t next,
                           std::chrono::microseconds life) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        write_for_ever(file, next, ends[1]);
    }
    close(ends[1]);
    std::this_thread::sleep_for(life);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << WEXITSTATUS(status);
    std::uint32_t acknowledged = next;
    while (read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    close(ends[0]);
    return acknowledged;
}

TEST(Kill, LeavesAWholeFileWithAllThatWasAcknowledged) {
    const test::TemporaryFolder folder;
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    std::uint32_t next = 0;
    std::uint32_t rounds_with_records = 0;
    for (int round = 0; round < 60; ++round) {
        const auto life = std::chrono::microseconds(random() % 60'000);
        const std::uint32_t acknowledged = run_and_kill(folder.file(), next, life);
        rounds_with_records += acknowledged > next ? 1 : 0;
        {
            auto database = Database::open(folder.file());
            ASSERT_TRUE(database);
            auto check = database->prepare("PRAGMA integrity_check");
            ASSERT_TRUE(check) << check.error().message;
            ASSERT_TRUE(check->step().value());
            ASSERT_EQ(check->text(0), "ok") << "round " << round;
        }
        const auto store = Store::open(folder.file(), kSmall, test::at(0));
        ASSERT_TRUE(store) << "round " << round << ": " << store.error().message;
        const auto kept = store->events({.max = 1'000'000});
        ASSERT_TRUE(kept);
        for (std::size_t i = 1; i < kept->size(); ++i) {
            ASSERT_EQ(number_of((*kept)[i]), number_of((*kept)[i - 1]) + 1) << "round " << round;
        }
        const std::uint32_t end = kept->empty() ? 0 : number_of(kept->back()) + 1;
        ASSERT_GE(end, acknowledged) << "round " << round;
        next = end;
    }
    EXPECT_GT(rounds_with_records, 10U) << "too slow to show anything";
    EXPECT_GT(next, 400U) << "nothing was ever forgotten";
}

}  // namespace
}  // namespace farewell::history

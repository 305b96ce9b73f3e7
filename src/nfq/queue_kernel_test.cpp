// SPDX-License-Identifier: MIT
// The library against the real kernel, each test in a network namespace of its own. Needs root.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stop_token>
#include <string>
#include <thread>

#include <farewell/nfq/kernel_stats.hpp>
#include <farewell/nfq/pool.hpp>
#include <farewell/nfq/queue.hpp>

#include <linux/capability.h>
#include <sys/syscall.h>

#include "nfq/kernel_test_world.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_F(KernelTest, EveryVerdictDoesWhatItSays) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    auto other = open_queue({.number = 7});
    ASSERT_TRUE(queue && other);
    Loop loop;
    EXPECT_EQ(outcome(*queue, loop, Verdict::drop()), 0);
    EXPECT_EQ(outcome(*queue, loop, Verdict::accept()), 1);
    EXPECT_EQ(outcome(*queue, loop, Verdict::stop()), 1);
    EXPECT_EQ(outcome(*queue, loop, Verdict::queue(7)), 0) << "it waits in the other queue";
    EXPECT_EQ(other->receive([](const Packet&) { return Verdict::accept(); }, 2000ms).value(), 1U);
    EXPECT_EQ(loop.received(), 1);
    EXPECT_EQ(outcome(*queue, loop, Verdict::queue(99)), 0) << "nobody listens there";
    EXPECT_EQ(outcome(*queue, loop, Verdict::queue(99, true)), 1) << "bypassed";
}

TEST_F(KernelTest, RepeatWithAMarkGoesThroughTheChainOnce) {
    shell("iptables-nft -w -A INPUT -m mark --mark 9 -j ACCEPT");
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    EXPECT_EQ(outcome(*queue, loop, Verdict::repeat().with_mark(9)), 1);
    EXPECT_EQ(queue->receive([](Batch&) { ADD_FAILURE() << "it came back"; }, 50ms).value(), 0U);
}

TEST_F(KernelTest, MetadataAndPayloadUpToSixtyFourKibibytes) {
    rule("NFQUEUE --queue-num 0");
    Loop loop;
    {
        auto metadata = open_queue({.copy_mode = CopyMode::metadata});
        ASSERT_TRUE(metadata);
        loop.send(100);
        ASSERT_TRUE(metadata->receive(
            [](const Packet& packet) {
                EXPECT_TRUE(packet.payload.empty());
                EXPECT_EQ(packet.hardware_protocol, 0x0800);
                EXPECT_EQ(packet.hook, Hook::input);
                EXPECT_EQ(packet.metadata().input_interface, 1U);
                return Verdict::drop();
            },
            2000ms));
    }
    auto whole = open_queue({.copy_range = QueueConfig::kCopyRangeMax});
    ASSERT_TRUE(whole);
    loop.send(60'000);
    ASSERT_TRUE(whole->receive(
        [](const Packet& packet) {
            EXPECT_EQ(packet.payload.size(), 60'028U);
            EXPECT_FALSE(packet.is_cut_short());
            return Verdict::accept();
        },
        2000ms));
    EXPECT_EQ(loop.received(), 1);
}

TEST_F(KernelTest, ACopyCutShortKnowsTheWholeLength) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue({.copy_range = 64});
    ASSERT_TRUE(queue);
    Loop loop;
    loop.send(1000);
    ASSERT_TRUE(queue->receive(
        [](const Packet& packet) {
            EXPECT_EQ(packet.payload.size(), 64U);
            EXPECT_EQ(packet.original_length, 1028U);
            return Verdict::drop();
        },
        2000ms));
    EXPECT_EQ(queue->stats().cut_short, 1U);
}

TEST_F(KernelTest, ABurstIsTakenWholeInFewSystemCalls) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    loop.send(8, 3000);
    std::size_t seen = 0;
    while (seen < 3000) {
        const auto received = queue->receive([](Batch& batch) { batch.all(Verdict::accept()); }, 2000ms);
        ASSERT_TRUE(received && *received > 0) << seen;
        seen += *received;
    }
    const Stats stats = queue->stats();
    EXPECT_EQ(stats.lost_in_socket, 0U);
    EXPECT_EQ(loop.received(), 3000);
    EXPECT_LE(static_cast<double>(stats.system_calls) / 3000, 0.2);
    EXPECT_GT(stats.receive_buffer_bytes, std::size_t{3} << 20);
}

TEST_F(KernelTest, BurstsOfSixtyFourCostFewSystemCalls) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    constexpr std::uint64_t kBursts = 20;
    for (std::uint64_t burst = 0; burst < kBursts; ++burst) {
        loop.send(8, 64);
        while (queue->stats().packets < 64 * (burst + 1)) {
            const auto received = queue->receive([](Batch& batch) { batch.all(Verdict::drop()); }, 2000ms);
            ASSERT_TRUE(received && *received > 0) << burst;
        }
    }
    EXPECT_LE(static_cast<double>(queue->stats().system_calls) / (64 * kBursts), 0.2);
}

TEST_F(KernelTest, LossInTheSocketIsCountedExactly) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue({.max_length = 100'000, .receive_buffer_bytes = 64 << 10});
    ASSERT_TRUE(queue);
    Loop loop;
    loop.send(8, 2000);
    std::uint32_t last_id = 0;
    const auto take_all = [&] {
        while (queue->receive([&last_id](Batch& batch) { last_id = batch[batch.size() - 1].id; }, 100ms)
                   .value() > 0) {
        }
    };
    take_all();
    loop.send();  // one more, so that the gap before it is seen
    take_all();
    const Stats stats = queue->stats();
    EXPECT_GT(stats.lost_in_socket, 1000U);
    EXPECT_EQ(stats.packets + stats.lost_in_socket, last_id);
    const auto kernel = KernelStatsReader::open().value().read().value();
    ASSERT_EQ(kernel.size(), 1U);
    EXPECT_EQ(kernel[0].user_dropped, stats.lost_in_socket);
}

TEST_F(KernelTest, AQueueThatIsTakenNamesItsOwner) {
    auto mine = open_queue({.number = 3});
    ASSERT_TRUE(mine);
    const auto again = open_queue({.number = 3});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::taken);
    EXPECT_EQ(again.error().owner_pid, getpid());
    EXPECT_EQ(again.error().owner_name.substr(0, 15), std::string("nfq_kernel_test").substr(0, 15));
}

TEST_F(KernelTest, WithoutTheCapabilityItIsNotPermitted) {
    const pid_t child = fork();
    if (child == 0) {
        __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
        __user_cap_data_struct none[2] = {};  // NOLINT: what the system call takes
        syscall(SYS_capset, &header, &none);
        const auto queue = open_queue();
        std::_Exit(!queue && queue.error().kind == ErrorKind::no_permission ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(KernelTest, RunStopsWhileIdleAndUnderLoadAndLeavesNothingBehind) {
    rule("NFQUEUE --queue-num 0 --queue-bypass");
    Loop loop;
    for (const bool loaded : {false, true}) {
        auto queue = open_queue();
        ASSERT_TRUE(queue);
        std::atomic<bool> flooding{loaded};
        std::jthread flood([&] {
            while (flooding) {
                loop.send();
            }
        });
        std::atomic<Clock::rep> stopped_at{0};
        std::jthread runner([&](const std::stop_token& stop) {
            EXPECT_TRUE(queue->run([](Batch&) {}, stop));
            stopped_at = Clock::now().time_since_epoch().count();
        });
        while (loaded && queue->stats().packets < 1000) {
            std::this_thread::yield();
        }
        const auto asked = Clock::now().time_since_epoch().count();
        runner.request_stop();
        runner.join();
        flooding = false;
        flood.join();
        EXPECT_LT(std::chrono::nanoseconds(stopped_at - asked), 2s) << "bounded, not timed";
        EXPECT_TRUE(KernelStatsReader::open().value().read().value().empty()) << "unbound";
    }
}

TEST_F(KernelTest, APoolOfFourSharesTheWork) {
    rule("NFQUEUE --queue-balance 0:3");
    auto pool = Pool::open({.default_verdict = Verdict::accept()}, 0, 3);
    ASSERT_TRUE(pool);
    std::atomic<int> seen{0};
    pool->start(
        [&seen](std::uint16_t) { return [&seen](Batch& batch) { seen += static_cast<int>(batch.size()); }; });
    Loop loop;
    loop.send(8, 500);
    const auto limit = Clock::now() + 10s;
    while (seen < 500 && Clock::now() < limit) {
        std::this_thread::yield();
    }
    EXPECT_EQ(seen, 500);
    EXPECT_EQ(pool->stats().size(), 4U);
    EXPECT_FALSE(pool->has_failed());
    EXPECT_TRUE(pool->stop());
    EXPECT_EQ(loop.received(), 500);
}

TEST_F(KernelTest, APoolBindsAllOrNone) {
    auto two = open_queue({.number = 2});
    ASSERT_TRUE(two);
    const auto pool = Pool::open({}, 0, 3);
    ASSERT_FALSE(pool);
    EXPECT_EQ(pool.error().kind, ErrorKind::taken);
    EXPECT_EQ(KernelStatsReader::open().value().read().value().size(), 1U);
}

}  // namespace
}  // namespace farewell::nfq

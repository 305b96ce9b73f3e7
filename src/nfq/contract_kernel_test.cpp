// SPDX-License-Identifier: MIT
// What the real kernel does in the cases that go wrong or are easily got wrong: later chains, a lost
// capability, a flood at the stop, a handler that throws. Needs root.
#include <linux/capability.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <farewell/nfq/kernel_stats.hpp>
#include <farewell/nfq/pool.hpp>
#include <map>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "nfq/kernel_test_world.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// Takes CAP_NET_ADMIN out of this thread's effective set, or puts it back.
void set_net_admin(bool effective) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> sets{};
    ASSERT_EQ(syscall(SYS_capget, &header, sets.data()), 0);
    constexpr std::uint32_t kBit = 1U << CAP_NET_ADMIN;
    sets[0].effective = effective ? sets[0].effective | kBit : sets[0].effective & ~kBit;
    ASSERT_EQ(syscall(SYS_capset, &header, sets.data()), 0);
}

TEST_F(KernelTest, AMarkReachesTheChainsAfterwards) {
    rule("NFQUEUE --queue-num 0", "INPUT -t mangle");
    rule("DROP -m mark ! --mark 0x2a");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    EXPECT_EQ(outcome(*queue, loop, Verdict::accept()), 0);
    EXPECT_EQ(outcome(*queue, loop, Verdict::accept().with_mark(0x2a)), 1);
}

TEST_F(KernelTest, StopPassesByTheChainsAfterwardsAndAcceptDoesNot) {
    rule("NFQUEUE --queue-num 0", "INPUT -t mangle");
    rule("DROP");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    EXPECT_EQ(outcome(*queue, loop, Verdict::accept()), 0);
    EXPECT_EQ(outcome(*queue, loop, Verdict::stop()), 1);
}

TEST_F(KernelTest, ExceptionsInABatchReachTheirPackets) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    loop.send(8, 64);
    std::size_t seen = 0;
    while (seen < 64) {
        // Of every four ids, the first passes: singles before their batch.
        const auto received = queue->receive(
            [](const Packet& packet) { return packet.id % 4 == 1 ? Verdict::accept() : Verdict::drop(); },
            2000ms);
        ASSERT_TRUE(received && *received > 0);
        seen += *received;
    }
    EXPECT_EQ(loop.received(), 16);
    EXPECT_EQ(queue->stats().kernel_errors, 0U);
    EXPECT_EQ(KernelStatsReader::open().value().read().value().at(0).waiting, 0U);
}

TEST_F(KernelTest, AtOutputThePacketHasAnOwnerAndAnInterface) {
    rule("NFQUEUE --queue-num 0", "OUTPUT");
    auto queue = open_queue({.uid_gid = true});
    ASSERT_TRUE(queue);
    EXPECT_EQ(queue->active_flags(), std::uint32_t{NFQA_CFG_F_UID_GID});
    Loop loop;
    loop.send();
    ASSERT_TRUE(queue->receive(
        [](const Packet& packet) {
            EXPECT_EQ(packet.hook, Hook::output);
            EXPECT_EQ(packet.family, AF_INET);
            EXPECT_EQ(packet.metadata().output_interface, 1U);
            EXPECT_EQ(packet.metadata().input_interface, 0U);
            EXPECT_EQ(packet.metadata().uid, 0U);
            EXPECT_EQ(packet.metadata().gid, 0U);
            return Verdict::accept();
        },
        2000ms));
    EXPECT_EQ(loop.received(), 1);
}

TEST_F(KernelTest, ConntrackComesWhereTheKernelHasItAndTheQueueOpensAnyway) {
    rule("NFQUEUE --queue-num 0 -m conntrack --ctstate NEW");
    auto queue = open_queue({.gso = true, .uid_gid = true, .conntrack = true, .security_context = true});
    ASSERT_TRUE(queue) << queue.error().message();
    constexpr std::uint32_t kEverywhere = NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID;
    EXPECT_EQ(queue->active_flags() & kEverywhere, kEverywhere) << "not given up for another's lack";
    const bool has_conntrack = (queue->active_flags() & NFQA_CFG_F_CONNTRACK) != 0;
    Loop loop;
    loop.send();
    ASSERT_TRUE(queue->receive(
        [&](const Packet& packet) {
            EXPECT_EQ(packet.metadata().conntrack.empty(), !has_conntrack);
            EXPECT_EQ(packet.metadata().conntrack_info.has_value(), has_conntrack);
            return Verdict::accept();
        },
        2000ms));
    EXPECT_EQ(queue->stats().malformed_messages + queue->stats().truncated_messages, 0U);
}

TEST_F(KernelTest, WithoutTheCapabilityVerdictsAreRefusedAndCounted) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue({.default_verdict = Verdict::accept()});
    ASSERT_TRUE(queue);
    Loop loop;
    loop.send();
    set_net_admin(false);
    EXPECT_EQ(queue->receive([](Batch&) {}, 2000ms).value(), 1U);
    set_net_admin(true);
    EXPECT_EQ(loop.received(), 0);
    EXPECT_EQ(queue->receive([](Batch&) {}, 2000ms).value(), 0U);  // the refusal itself
    EXPECT_EQ(queue->stats().kernel_errors, 1U);
    loop.send();
    EXPECT_EQ(queue->receive([](Batch&) {}, 2000ms).value(), 1U);
    EXPECT_EQ(loop.received(), 2) << "the run's batch covers the one that was refused";
}

TEST_F(KernelTest, AWakeEndsAWaitFromAnotherThread) {
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    std::atomic<bool> waiting{false};
    std::jthread waker([&] {
        while (!waiting) {
            std::this_thread::yield();
        }
        queue->wake();
    });
    const auto before = Clock::now();
    waiting = true;
    EXPECT_EQ(queue->receive([](Batch&) {}, 30s).value(), 0U);
    EXPECT_LT(Clock::now() - before, 20s) << "bounded, not timed";
}

TEST_F(KernelTest, PollSaysWhenThereIsSomethingToReceive) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    pollfd waiting{.fd = queue->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&waiting, 1, 0), 0);
    Loop loop;
    loop.send();
    EXPECT_EQ(poll(&waiting, 1, 2000), 1);
    EXPECT_EQ(queue->receive([](Batch&) {}, 0ms).value(), 1U);
    EXPECT_EQ(poll(&waiting, 1, 0), 0);
}

/// A flood that goes on until it is destroyed.
class Flood {
 public:
    Flood()
        : sender_([](const std::stop_token& stop) {
              Loop loop;
              while (!stop.stop_requested()) {
                  loop.send();
              }
          }) {}

 private:
    std::jthread sender_;
};

TEST_F(KernelTest, AStopIsPromptAlsoWhenAFloodFillsTheReceiveBuffer) {
    rule("NFQUEUE --queue-num 0");
    // Room for some ten packets: an acknowledgement of the unbinding would find no place.
    auto pool = Pool::open({.max_length = 100'000, .receive_buffer_bytes = 8 << 10}, 0, 0);
    ASSERT_TRUE(pool);
    // A handler that takes its time: whenever it returns, the buffer is full again.
    pool->start([](std::uint16_t) {
        return [](Batch&) {
            const auto done = Clock::now() + 1ms;
            while (Clock::now() < done) {
                std::this_thread::yield();
            }
        };
    });
    const Flood flood;
    const auto limit = Clock::now() + 20s;
    while (pool->stats()[0].stats.lost_in_socket == 0 && Clock::now() < limit) {
        std::this_thread::yield();
    }
    EXPECT_GT(pool->stats()[0].stats.lost_in_socket, 0U) << "the buffer was full";
    const auto before = Clock::now();
    EXPECT_TRUE(pool->stop());
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - before);
    RecordProperty("stop_milliseconds", static_cast<int>(took.count()));
    EXPECT_LT(took, 1500ms) << "bounded, not timed: waiting in vain would take two seconds";
    EXPECT_TRUE(KernelStatsReader::open().value().read().value().empty()) << "unbound";
}

TEST_F(KernelTest, AHandlerThatThrowsIsReportedByItsPool) {
    rule("NFQUEUE --queue-num 3");
    auto pool = Pool::open({.default_verdict = Verdict::accept()}, 3, 3);
    ASSERT_TRUE(pool);
    pool->start([](std::uint16_t) { return [](Batch&) { throw std::runtime_error("out of luck"); }; });
    Loop loop;
    loop.send();
    const auto limit = Clock::now() + 20s;
    while (!pool->has_failed() && Clock::now() < limit) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(pool->has_failed());
    const auto stopped = pool->stop();
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().operation, "handle packets of queue 3 (out of luck)");
    EXPECT_EQ(loop.received(), 1) << "the default verdict";
}

TEST_F(KernelTest, APoolThatIsWokenComesRoundWithoutAPacket) {
    auto pool = Pool::open({}, 0, 3);
    ASSERT_TRUE(pool);
    std::atomic<int> handled{0};
    pool->start([&handled](std::uint16_t) { return [&handled](Batch&) { ++handled; }; });
    const auto rounds = [&pool] {
        std::array<std::uint64_t, 4> counts{};
        std::ranges::transform(pool->stats(), counts.begin(),
                               [](const Pool::Member& member) { return member.stats.system_calls; });
        return counts;
    };
    const auto before = rounds();
    pool->wake();
    const auto have_all_moved = [&] {
        const auto now = rounds();
        return std::ranges::equal(before, now, std::ranges::less{});
    };
    const auto limit = Clock::now() + 20s;
    while (!have_all_moved() && Clock::now() < limit) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(have_all_moved());
    EXPECT_TRUE(pool->stop());
    EXPECT_EQ(handled, 0);
}

TEST_F(KernelTest, ManySourcesSpreadOverTheBalancedQueues) {
    rule("NFQUEUE --queue-balance 0:3");
    auto pool = Pool::open({.default_verdict = Verdict::accept()}, 0, 3);
    ASSERT_TRUE(pool);
    std::array<std::atomic<int>, 4> seen{};
    pool->start([&seen](std::uint16_t number) {
        return [&count = seen.at(number)](Batch& batch) { count += static_cast<int>(batch.size()); };
    });
    const Loop loop;
    for (std::uint8_t host = 1; host <= 100; ++host) {
        loop.send_from(host);
    }
    const auto sum = [&] { return seen[0] + seen[1] + seen[2] + seen[3]; };
    const auto limit = Clock::now() + 20s;
    while (sum() < 100 && Clock::now() < limit) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(pool->stop());
    EXPECT_EQ(loop.received(), 100);
    for (const auto& count : seen) {
        EXPECT_GT(count, 0);
    }
}

TEST_F(KernelTest, StartAndStopManyTimesUnderAFlood) {
    // FAREWELL_ROUNDS=1000 for a longer run.
    const char* const rounds = std::getenv("FAREWELL_ROUNDS");       // NOLINT(concurrency-mt-unsafe)
    const int wanted = rounds != nullptr ? std::atoi(rounds) : 100;  // NOLINT(cert-err34-c)
    rule("NFQUEUE --queue-balance 0:3");
    const Flood flood;
    for (int round = 0; round < wanted; ++round) {
        auto pool = Pool::open({}, 0, 3);
        ASSERT_TRUE(pool) << round << ": " << pool.error().message();
        pool->start([](std::uint16_t) { return [](Batch&) {}; });
        ASSERT_TRUE(pool->stop()) << round;
    }
    EXPECT_TRUE(KernelStatsReader::open().value().read().value().empty());
}

}  // namespace
}  // namespace farewell::nfq

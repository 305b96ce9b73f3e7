// SPDX-License-Identifier: MIT
// What a handler can do with its packets, as the real kernel carries it out: alter, hold back, wait for more;
// and queues of another network namespace. Needs root.
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <farewell/nfq/pool.hpp>
#include <farewell/nfq/queue.hpp>

#include "nfq/kernel_test_world.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::byte>;
using Texts = std::vector<std::string>;

constexpr std::size_t kUdpAt = 20;  // loopback's IPv4 header has no options
constexpr std::size_t kTextAt = kUdpAt + 8;

std::string text_of(const Packet& packet) {
    const auto text = packet.payload.subspan(kTextAt);
    std::string result(text.size(), '\0');
    std::ranges::transform(text, result.begin(), [](std::byte byte) { return std::to_integer<char>(byte); });
    return result;
}

/// Not larger than 255 bytes: only the low byte of each length is set.
Bytes with_text(const Packet& packet, std::string_view text) {
    Bytes bytes(packet.payload.begin(), packet.payload.begin() + kTextAt);
    for (const char letter : text) {
        bytes.push_back(static_cast<std::byte>(letter));
    }
    bytes[3] = static_cast<std::byte>(bytes.size());
    bytes[kUdpAt + 5] = static_cast<std::byte>(bytes.size() - kUdpAt);
    bytes[kUdpAt + 6] = bytes[kUdpAt + 7] = std::byte{};  // no checksum: UDP over IPv4 may (RFC 768)
    bytes[10] = bytes[11] = std::byte{};
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < kUdpAt; i += 2) {
        sum += std::to_integer<std::uint32_t>(bytes[i]) << 8U | std::to_integer<std::uint32_t>(bytes[i + 1]);
    }
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = ~((sum & 0xffffU) + (sum >> 16U));
    bytes[10] = static_cast<std::byte>(sum >> 8U & 0xffU);
    bytes[11] = static_cast<std::byte>(sum & 0xffU);
    return bytes;
}

/// Receives until so many packets were seen.
template <typename Handler>
void take(Queue& queue, std::size_t packets, Handler handler) {
    std::size_t seen = 0;
    while (seen < packets) {
        const auto received = queue.receive(handler, 5000ms);
        ASSERT_TRUE(received && *received > 0) << seen << " of " << packets;
        seen += *received;
    }
}

std::uint32_t waiting(const Queue& queue) {
    return queue.kernel_stats().value().waiting;
}

TEST_F(KernelTest, AMangledPacketArrivesAsItWasMadeAmongOthers) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue({.copy_range = QueueConfig::kCopyRangeMax});
    ASSERT_TRUE(queue);
    Loop loop;
    for (const char* text : {"one", "two", "three", "four"}) {
        loop.send_text(text);
    }
    take(*queue, 4, [](Batch& batch) {
        batch.all(Verdict::accept());
        for (const Packet& packet : batch.packets()) {
            if (text_of(packet) == "two") {
                ASSERT_TRUE(batch.mangle(packet, with_text(packet, "a longer one")));
            } else if (text_of(packet) == "three") {
                ASSERT_TRUE(batch.mangle(packet, with_text(packet, "3")));
            }
        }
    });
    EXPECT_EQ(loop.texts(), (Texts{"one", "a longer one", "3", "four"}));
    EXPECT_EQ(queue->stats().kernel_errors, 0U);
}

TEST_F(KernelTest, AHeldPacketWaitsWhileOthersPass) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    for (const char* text : {"a", "hold", "b", "hold and alter", "c", "hold and forget"}) {
        loop.send_text(text);
    }
    std::vector<Held> held;
    take(*queue, 6, [&](Batch& batch) {
        for (const Packet& packet : batch.packets()) {
            if (text_of(packet).starts_with("hold")) {
                held.push_back(batch.hold(packet));
            } else {
                batch.set(packet, Verdict::accept());
            }
        }
    });
    EXPECT_EQ(loop.texts(), (Texts{"a", "b", "c"}));
    EXPECT_EQ(waiting(*queue), 3U);
    EXPECT_EQ(queue->stats().held, 3U);

    std::jthread([answer = std::move(held[0])]() mutable {
        std::move(answer).verdict(Verdict::accept());
    }).join();
    EXPECT_EQ(loop.texts(), Texts{"hold"});
    held.clear();
    EXPECT_TRUE(loop.texts().empty()) << "the default verdict is drop";
    EXPECT_EQ(waiting(*queue), 0U) << "nothing leaks in the kernel";
    EXPECT_EQ(queue->stats().held, 0U);
}

TEST_F(KernelTest, AHeldPacketCanBeAlteredLater) {
    rule("NFQUEUE --queue-num 0");
    auto queue = open_queue();
    ASSERT_TRUE(queue);
    Loop loop;
    loop.send_text("before");
    std::vector<Held> held;
    Bytes altered;
    take(*queue, 1, [&](Batch& batch) {
        altered = with_text(batch[0], "after");
        held.push_back(batch.hold(batch[0]));
    });
    ASSERT_TRUE(std::move(held[0]).verdict(Verdict::accept(), altered));
    EXPECT_EQ(loop.texts(), Texts{"after"});
}

TEST_F(KernelTest, WhatIsHeldWhenTheQueueEndsIsDroppedByTheKernel) {
    rule("NFQUEUE --queue-num 0");
    Loop loop;
    std::vector<Held> held;
    {
        auto queue = open_queue({.default_verdict = Verdict::accept()});
        ASSERT_TRUE(queue);
        loop.send();
        take(*queue, 1, [&](Batch& batch) { held.push_back(batch.hold(batch[0])); });
    }
    std::move(held[0]).verdict(Verdict::accept());
    EXPECT_EQ(loop.received(), 0);
}

TEST_F(KernelTest, ATrickleCostsFewerRoundsWhereWaitingIsAllowed) {
    rule("NFQUEUE --queue-num 0");
    constexpr int kPackets = 200;
    constexpr auto kWait = 10ms;
    const auto begin = Clock::now();
    auto pool = Pool::open({.default_verdict = Verdict::accept(), .max_wait = kWait}, 0, 0);
    ASSERT_TRUE(pool);
    pool->start([](std::uint16_t) { return [](Batch&) {}; });
    Loop loop;
    for (int sent = 0; sent < kPackets; ++sent) {
        loop.send();
        const auto next = Clock::now() + 200us;
        while (Clock::now() < next) {
            std::this_thread::yield();
        }
    }
    int received = 0;
    while (received < kPackets && Clock::now() < begin + 20s) {
        received += loop.received();
    }
    EXPECT_EQ(received, kPackets);
    EXPECT_TRUE(pool->stop());
    // However slow the machine is: a round takes that long, but one behind a full batch and those of the
    // stop.
    const auto at_most = (Clock::now() - begin) / kWait + kPackets / 64 + 3;
    EXPECT_LE(static_cast<std::int64_t>(pool->stats()[0].stats.batches), at_most);
}

TEST_F(KernelTest, AQueueOfAnotherNamespaceIsThatOnes) {
    rule("NFQUEUE --queue-num 0");
    Loop here;
    const int fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);  // this thread is elsewhere now
    EXPECT_TRUE(open_queue()) << "and has a queue 0 of its own";
    auto queue = open_queue({.netns_fd = fd});
    ASSERT_TRUE(queue) << queue.error().message();
    EXPECT_EQ(queue->kernel_stats().value().number, 0U);
    const auto again = open_queue({.netns_fd = fd});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::taken);
    EXPECT_EQ(again.error().owner_pid, getpid()) << "looked up there as well";
    close(fd);

    here.send();  // by a socket that was made there
    take(*queue, 1, [](const Packet&) { return Verdict::accept(); });
    EXPECT_EQ(here.received(), 1);
}

}  // namespace
}  // namespace farewell::nfq

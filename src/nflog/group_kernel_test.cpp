// SPDX-License-Identifier: MIT
// Log groups of the real kernel, each test in a network namespace of its own. Needs root.
#include <fcntl.h>
#include <atomic>
#include <chrono>
#include <farewell/nflog/group.hpp>
#include <string>
#include <thread>

#include "netlink/kernel_test_world.hpp"

namespace farewell::nflog {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class GroupKernelTest : public KernelTest {};

/// Receives until so many packets were seen.
template <typename Handler>
void take(Group& group, std::size_t packets, Handler handler) {
    std::size_t seen = 0;
    while (seen < packets) {
        const auto received = group.receive(handler, 5000ms);
        ASSERT_TRUE(received && *received > 0) << seen << " of " << packets;
        seen += *received;
    }
}

TEST_F(GroupKernelTest, ALoggedPacketIsSeenAndGoesOn) {
    rule("NFLOG --nflog-group 7 --nflog-prefix 'closed: '");
    auto group = Group::open({.number = 7, .copy_range = 64});
    ASSERT_TRUE(group) << group.error().message();
    Loop loop;
    loop.send(100);
    take(*group, 1, [](const Packet& packet) {
        EXPECT_EQ(packet.prefix, "closed: ");
        EXPECT_EQ(packet.payload.size(), 64U);
        EXPECT_EQ(packet.hardware_protocol, 0x0800);
        EXPECT_EQ(packet.hook, Hook::input);
        EXPECT_EQ(packet.input_interface, 1U);
        EXPECT_EQ(packet.sequence, 0U);
    });
    EXPECT_EQ(loop.received(), 1);
    EXPECT_EQ(group->stats().malformed_messages, 0U);
}

TEST_F(GroupKernelTest, ABurstComesInHundreds) {
    rule("NFLOG --nflog-group 7");
    auto group = Group::open({.number = 7, .copy_range = 64});
    ASSERT_TRUE(group);
    Loop loop;
    loop.send(8, 5000);
    take(*group, 5000, [](const Packet&) {});
    const Stats stats = group->stats();
    EXPECT_EQ(stats.packets, 5000U);
    EXPECT_EQ(stats.lost_in_socket, 0U);
    EXPECT_EQ(stats.truncated_datagrams + stats.malformed_messages, 0U);
    EXPECT_LE(static_cast<double>(stats.system_calls) / 5000, 0.02);
}

TEST_F(GroupKernelTest, WhatComesSlowlyIsNotGathered) {
    rule("NFLOG --nflog-group 7");
    auto group = Group::open({.number = 7, .flush_timeout = 10s, .prompt_below = 20'000});
    ASSERT_TRUE(group);
    Loop loop;
    for (int i = 0; i < 3; ++i) {
        loop.send();
        take(*group, 1, [](const Packet&) {});  // within five seconds
    }
    EXPECT_EQ(group->stats().datagrams, 3U);
}

TEST_F(GroupKernelTest, AFloodIsGatheredAllTheSame) {
    rule("NFLOG --nflog-group 7");
    auto group = Group::open({.number = 7, .prompt_below = 20'000});
    ASSERT_TRUE(group);
    Loop loop;
    loop.send(8, 1000);
    take(*group, 1000, [](const Packet&) {});
    const Stats before = group->stats();
    EXPECT_GE(before.datagrams, 200U);
    loop.send(8, 1000);
    take(*group, 1000, [](const Packet&) {});
    EXPECT_LE(group->stats().datagrams - before.datagrams, 50U);
}

TEST_F(GroupKernelTest, AFullDatagramOfTheLargestCopiesIsTakenWhole) {
    rule("NFLOG --nflog-group 7");
    auto group = Group::open({.number = 7, .copy_range = GroupConfig::kCopyRangeMax});
    ASSERT_TRUE(group);
    Loop loop;
    loop.send(60'000, 20);
    take(*group, 20, [](const Packet& packet) { EXPECT_EQ(packet.payload.size(), 60'028U); });
    EXPECT_EQ(group->stats().truncated_datagrams, 0U);
}

TEST_F(GroupKernelTest, LossInTheSocketIsCountedExactly) {
    rule("NFLOG --nflog-group 7");
    auto group = Group::open({.number = 7,
                              .copy_range = 64,
                              .queue_threshold = 10,
                              .gather_bytes = 8192,
                              .receive_buffer_bytes = 32 << 10});
    ASSERT_TRUE(group);
    Loop loop;
    constexpr std::uint32_t kSent = 3000;
    loop.send(8, kSent);
    std::uint32_t last = 0;
    const auto take_all = [&] {
        while (group->receive([&](const Packet& packet) { last = packet.sequence.value(); }, 100ms).value() >
               0) {
        }
    };
    take_all();
    loop.send();  // one more, so that the gap before it is seen
    take_all();
    EXPECT_EQ(last, kSent);
    EXPECT_GT(group->stats().lost_in_socket, 1000U);
    EXPECT_EQ(group->stats().packets + group->stats().lost_in_socket, kSent + 1);
}

TEST_F(GroupKernelTest, AGroupThatIsTakenNamesItsOwner) {
    const auto mine = Group::open({.number = 7});
    ASSERT_TRUE(mine);
    const auto again = Group::open({.number = 7});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::taken);
    EXPECT_EQ(again.error().owner_pid, getpid());
}

TEST_F(GroupKernelTest, AStopIsPromptAndTakesWhatWasGathered) {
    rule("NFLOG --nflog-group 7");
    auto group = Group::open({.number = 7, .flush_timeout = 10s});
    ASSERT_TRUE(group);
    Loop loop;
    loop.send(8, 5);  // gathered, and not handed over for ten seconds
    std::atomic<int> seen{0};
    std::jthread runner(
        [&](const std::stop_token& stop) { EXPECT_TRUE(group->run([&](const Packet&) { ++seen; }, stop)); });
    const auto before = Clock::now();
    runner.request_stop();
    runner.join();
    EXPECT_LT(Clock::now() - before, 5s) << "bounded, not timed";
    EXPECT_EQ(seen, 5);
}

TEST_F(GroupKernelTest, AGroupOfAnotherNamespaceIsThatOnes) {
    rule("NFLOG --nflog-group 7");
    Loop here;
    const int fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    auto group = Group::open({.number = 7, .netns_fd = fd});
    ASSERT_TRUE(group) << group.error().message();
    close(fd);
    here.send();
    take(*group, 1, [](const Packet&) {});
}

}  // namespace
}  // namespace farewell::nflog

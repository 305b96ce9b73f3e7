// SPDX-License-Identifier: MIT
// The fake kernel keeps the rules of the real one; queue_kernel_test.cpp shows the same of that.
#include <farewell/nfq/testing.hpp>

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;

TEST(FakeKernel, ShowsPacketsAsTheyWereMade) {
    FakeKernel kernel;
    auto queue = kernel.open();
    ASSERT_TRUE(queue);
    const std::uint32_t id = kernel.arrive({.payload = FakeKernel::Bytes(10),
                                            .original_length = 1400,
                                            .mark = 7,
                                            .hardware_protocol = 0x86dd,
                                            .hook = Hook::output,
                                            .output_interface = 4,
                                            .uid = 1000,
                                            .gid = 100});
    ASSERT_TRUE(queue->receive(
        [id](const Packet& packet) {
            EXPECT_EQ(packet.id, id);
            EXPECT_EQ(packet.payload.size(), 10U);
            EXPECT_EQ(packet.original_length, 1400U);
            EXPECT_EQ(packet.metadata().mark, 7U);
            EXPECT_EQ(packet.hardware_protocol, 0x86dd);
            EXPECT_EQ(packet.hook, Hook::output);
            EXPECT_EQ(packet.metadata().output_interface, 4U);
            EXPECT_EQ(packet.metadata().uid, 1000U);
            EXPECT_EQ(packet.metadata().gid, 100U);
            return Verdict::queue(3, true).with_mark(8);
        },
        0ms));
    EXPECT_EQ(kernel.verdict_of(id)->verdict, Verdict::queue(3, true).with_mark(8));
}

TEST(FakeKernel, PacketsInAnyOrderGetTheirOwnVerdicts) {
    FakeKernel kernel;
    auto queue = kernel.open();
    ASSERT_TRUE(queue);
    for (const std::uint32_t id : {4U, 2U, 3U, 1U}) {
        kernel.arrive({.id = id});
    }
    ASSERT_TRUE(queue->receive(
        [](const Packet& packet) { return packet.id % 2 == 0 ? Verdict::accept() : Verdict::drop(); }, 0ms));
    for (std::uint32_t id = 1; id <= 4; ++id) {
        EXPECT_EQ(kernel.verdict_of(id)->verdict, id % 2 == 0 ? Verdict::accept() : Verdict::drop());
    }
}

TEST(FakeKernel, AVerdictForAnUnknownPacketIsAnErrorInTheStream) {
    FakeKernel kernel;
    auto queue = kernel.open();
    ASSERT_TRUE(queue);
    kernel.arrive_datagram(FakeKernel::packet_message({}, 99));  // one that the kernel does not know of
    EXPECT_EQ(queue->receive([](Batch&) {}, 0ms).value(), 1U);
    EXPECT_EQ(queue->receive([](Batch&) {}, 0ms).value(), 0U);
    EXPECT_EQ(queue->stats().kernel_errors, 1U);
}

TEST(FakeKernel, ItsDescriptorIsReadableWhileThereIsSomething) {
    FakeKernel kernel;
    auto queue = kernel.open();
    ASSERT_TRUE(queue);
    pollfd waiting{.fd = queue->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&waiting, 1, 0), 0);
    kernel.arrive();
    EXPECT_EQ(poll(&waiting, 1, 0), 1);
    EXPECT_EQ(queue->receive([](Batch&) {}, 0ms).value(), 1U);
    EXPECT_EQ(poll(&waiting, 1, 0), 0);
}

Verdict accept_it(const Packet&) {
    return Verdict::accept();
}

TEST(FakeKernel, APlainFunctionIsAHandlerToo) {
    FakeKernel kernel;
    auto queue = kernel.open();
    ASSERT_TRUE(queue);
    const std::uint32_t id = kernel.arrive();
    ASSERT_TRUE(queue->receive(accept_it, 0ms));
    EXPECT_EQ(kernel.verdict_of(id)->verdict, Verdict::accept());
}

TEST(FakeKernel, HasNoFileOfCountersToRead) {
    FakeKernel kernel;
    auto queue = kernel.open();
    ASSERT_TRUE(queue);
    EXPECT_FALSE(queue->kernel_stats());
}

}  // namespace
}  // namespace farewell::nfq

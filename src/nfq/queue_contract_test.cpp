// SPDX-License-Identifier: MIT
// Nothing that is queued stays without a verdict, whatever goes wrong: each test breaks something.
#include <farewell/nfq/queue.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include <farewell/nfq/pool.hpp>

#include "nfq/fake_kernel.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;
using Bytes = FakeKernel::Bytes;

std::deque<Bytes> packets_from(std::uint32_t first, std::uint32_t count) {
    std::deque<Bytes> packets;
    for (std::uint32_t i = 0; i < count; ++i) {
        packets.push_back(FakeKernel::packet(first + i, Bytes(20)));
    }
    return packets;
}

void arrive(FakeKernel& kernel, const std::deque<Bytes>& packets) {
    kernel.arrive({packets.begin(), packets.end()});
}

std::optional<std::uint8_t> command_of(const netlink::Message& message) {
    netlink::AttributeReader attributes(message.body.subspan(std::min<std::size_t>(4, message.body.size())));
    while (const auto attribute = attributes.next()) {
        if (message.type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG) && attribute->type == NFQA_CFG_CMD) {
            return std::to_integer<std::uint8_t>(attribute->value[0]);
        }
    }
    return std::nullopt;
}

/// The ids up to `last` that no message has named: singly, or by a batch at or above them.
std::set<std::uint32_t> without_verdict(const FakeKernel& kernel, std::uint32_t last) {
    std::set<std::uint32_t> waiting;
    for (std::uint32_t id = 1; id <= last; ++id) {
        waiting.insert(id);
    }
    for (const Bytes& sent : kernel.sent) {
        netlink::MessageReader reader(sent);
        while (const auto message = reader.next()) {
            const bool batch = message->type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT_BATCH);
            if (!batch && message->type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT)) {
                continue;
            }
            const std::uint32_t id = netlink::read_be32(message->body.subspan(12));
            if (batch) {
                waiting.erase(waiting.begin(), waiting.upper_bound(id));
            } else {
                waiting.erase(id);
            }
        }
    }
    return waiting;
}

/// Opens over a fake kernel that stays in reach.
struct Opened {
    FakeKernel* kernel = nullptr;
    std::expected<Queue, Error> queue;
};
Opened open(const QueueConfig& config = {}, std::deque<Bytes> before_acknowledgement = {}) {
    auto channel = std::make_unique<FakeKernel>();
    FakeKernel* const kernel = channel.get();
    kernel->before_next_acknowledgement = std::move(before_acknowledgement);
    return {.kernel = kernel, .queue = Queue::open(config, std::move(channel))};
}

TEST(QueueContract, ManyPacketsBeforeTheAcknowledgementComeInBatches) {
    auto [kernel, queue] = open({}, packets_from(1, 150));
    ASSERT_TRUE(queue);
    EXPECT_EQ(kernel->sent.size(), 2U) << "bind, and a wake-up that makes fd() readable for who polls it";
    arrive(*kernel, packets_from(151, 1));
    std::vector<std::size_t> sizes;
    while (without_verdict(*kernel, 151).size() > 0 && sizes.size() < 10) {
        const auto received = queue->receive([](Batch&) {}, 0ms);
        ASSERT_TRUE(received);
        sizes.push_back(*received);
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{64, 64, 22, 0, 1})) << "0: the wake-up";
    EXPECT_EQ(queue->stats().lost_in_socket, 0U);
}

TEST(QueueContract, AStopBeforeTheFirstReceiveStillAnswersWhatCameEarly) {
    auto [kernel, queue] = open({}, packets_from(1, 100));
    ASSERT_TRUE(queue);
    std::stop_source stop;
    stop.request_stop();
    ASSERT_TRUE(queue->run([](Batch&) {}, stop.get_token()));
    EXPECT_TRUE(without_verdict(*kernel, 100).empty());
}

TEST(QueueContract, VerdictsBeyondTheSendBufferGoInSeveralSends) {
    auto [kernel, queue] = open();
    ASSERT_TRUE(queue);
    kernel->send_limit = 100;  // two verdicts of 32 bytes each, with a mark 40
    arrive(*kernel, packets_from(1, 64));
    const auto received =
        queue->receive([](const Packet& packet) { return Verdict::accept().with_mark(packet.id); }, 0ms);
    ASSERT_TRUE(received) << received.error().message();
    EXPECT_TRUE(without_verdict(*kernel, 64).empty());
    const auto sends = kernel->sent.size();
    const auto calls = queue->stats().system_calls;
    arrive(*kernel, packets_from(65, 64));
    ASSERT_TRUE(
        queue->receive([](const Packet& packet) { return Verdict::accept().with_mark(packet.id); }, 0ms));
    EXPECT_EQ(queue->stats().system_calls - calls, kernel->sent.size() - sends + 1) << "the limit is learned";
}

TEST(QueueContract, ASendBufferTooSmallForOneVerdictIsAnError) {
    auto [kernel, queue] = open();
    ASSERT_TRUE(queue);
    kernel->send_limit = 10;
    arrive(*kernel, packets_from(1, 2));
    const auto received = queue->receive([](Batch&) {}, 0ms);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().errno_number, EMSGSIZE);
}

TEST(QueueContract, VerdictsThatCouldNotBeSentGoWithTheNext) {
    auto [kernel, queue] = open();
    ASSERT_TRUE(queue);
    arrive(*kernel, packets_from(1, 3));
    kernel->send_failures = std::deque<int>(1000, ENOBUFS);
    const auto refused = queue->receive([](Batch& batch) { batch.set(1, Verdict::accept()); }, 0ms);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().errno_number, ENOBUFS);
    EXPECT_EQ(refused.error().message(), "give verdicts on queue 0: No buffer space available (ENOBUFS)");
    kernel->send_failures.clear();
    arrive(*kernel, packets_from(4, 1));
    ASSERT_TRUE(queue->receive([](Batch&) {}, 0ms));
    EXPECT_TRUE(without_verdict(*kernel, 4).empty());
    EXPECT_EQ(kernel->sent.back().size(), 3U * 32) << "the exception, its run, and the new one";
}

TEST(QueueContract, UnbindingAsksForNoAcknowledgement) {
    auto [kernel, queue] = open();
    ASSERT_TRUE(queue);
    std::stop_source stop;
    stop.request_stop();
    ASSERT_TRUE(queue->run([](Batch&) {}, stop.get_token()));
    netlink::MessageReader reader(kernel->sent.back());
    const auto message = reader.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(command_of(*message), NFQNL_CFG_CMD_UNBIND);
    EXPECT_EQ(message->flags & NLM_F_ACK, 0) << "under a flood the receive buffer would swallow it";
}

TEST(QueueContract, ACopyRangeOfZeroIsNotTheKernelsEverything) {
    auto [kernel, queue] = open({.copy_range = 0});
    ASSERT_TRUE(queue);
    netlink::MessageReader reader(kernel->sent.front());
    const auto message = reader.next();
    ASSERT_TRUE(message);
    netlink::AttributeReader attributes(message->body.subspan(4));
    bool seen = false;
    while (const auto attribute = attributes.next()) {
        if (attribute->type == NFQA_CFG_PARAMS) {
            seen = true;
            EXPECT_EQ(std::to_integer<int>(attribute->value[4]), NFQNL_COPY_META);
        }
    }
    EXPECT_TRUE(seen);
}

TEST(QueueContract, DamagedPacketsGetTheirVerdictsToo) {
    auto [kernel, queue] = open();
    ASSERT_TRUE(queue);
    auto packets = packets_from(1, 3);
    packets[1][32] = std::byte{2};  // the second attribute's length, which cannot be
    arrive(*kernel, packets);
    EXPECT_EQ(queue->receive([](Batch&) {}, 0ms).value(), 3U);
    EXPECT_TRUE(without_verdict(*kernel, 3).empty());
    EXPECT_EQ(queue->stats().malformed_messages, 1U);
}

TEST(QueueContract, AVerdictIsSetByPacketAsWellAsByIndex) {
    auto [kernel, queue] = open();
    ASSERT_TRUE(queue);
    arrive(*kernel, packets_from(1, 3));
    ASSERT_TRUE(queue->receive(
        [](Batch& batch) {
            for (const Packet& packet : batch.packets()) {
                batch.set(packet, Verdict::accept().with_mark(packet.id == 2 ? 5 : 4));
            }
        },
        0ms));
    netlink::MessageReader reader(kernel->sent.back());
    const auto exception = reader.next();
    ASSERT_TRUE(exception);
    EXPECT_EQ(netlink::read_be32(exception->body.subspan(12)), 2U);
    EXPECT_EQ(netlink::read_be32(exception->body.subspan(20)), 5U);
}

TEST(PoolContract, ARangeThatEndsBeforeItBeginsIsNoPool) {
    const auto pool = Pool::open({}, 3, 2);
    ASSERT_FALSE(pool);
    EXPECT_EQ(pool.error().kind, ErrorKind::invalid_config);
    EXPECT_EQ(pool.error().message(), "open queues 3 to 2: invalid configuration");
}

}  // namespace
}  // namespace farewell::nfq

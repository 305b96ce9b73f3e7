// SPDX-License-Identifier: MIT
#include <farewell/nfq/queue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <vector>

#include <farewell/nfq/kernel_stats.hpp>

#include "nfq/fake_kernel.hpp"
#include "nfq/queue_messages.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;
using Bytes = FakeKernel::Bytes;

Bytes bytes(std::initializer_list<unsigned> values) {
    Bytes result;
    for (const unsigned value : values) {
        result.push_back(static_cast<std::byte>(value));
    }
    return result;
}

/// A queue over a fake kernel that the test keeps a hand on.
struct Bench {
    FakeKernel* kernel = nullptr;
    std::optional<Queue> queue;

    explicit Bench(const QueueConfig& config = {}, const std::function<void(FakeKernel&)>& prepare = {}) {
        auto channel = std::make_unique<FakeKernel>();
        kernel = channel.get();
        if (prepare) {
            prepare(*kernel);
        }
        auto opened = Queue::open(config, std::move(channel));
        if (opened) {
            queue = std::move(*opened);
            kernel->sent.clear();
        } else {
            error = opened.error();
        }
    }
    std::optional<Error> error;
};

/// What a verdict message says.
struct Said {
    std::uint16_t type;
    std::uint32_t code;
    std::uint32_t id;
    std::optional<std::uint32_t> mark;
    friend bool operator==(const Said&, const Said&) = default;
};
constexpr std::uint16_t kBatch = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT_BATCH;

std::vector<Said> verdicts_in(const Bytes& sent) {
    std::vector<Said> said;
    netlink::MessageReader reader(sent);
    while (const auto message = reader.next()) {
        Said one{.type = message->type, .code = 0, .id = 0, .mark = {}};
        netlink::AttributeReader attributes(message->body.subspan(4));
        while (const auto attribute = attributes.next()) {
            if (attribute->type == NFQA_VERDICT_HDR) {
                one.code = netlink::read_be32(attribute->value);
                one.id = netlink::read_be32(attribute->value.subspan(4));
            } else if (attribute->type == NFQA_MARK) {
                one.mark = netlink::read_be32(attribute->value);
            }
        }
        said.push_back(one);
    }
    return said;
}

TEST(QueueMessages, OneMessageBindsAndSetsEverything) {
    netlink::MessageWriter writer;
    append_bind(writer, {.number = 3, .copy_range = 256, .max_length = 4096}, NFQA_CFG_F_FAIL_OPEN, 7);
    const Bytes expected = bytes({
        64, 0, 0, 0, 0x02, 0x03, 5,  0, 7, 0, 0, 0, 0, 0, 0, 0,  // NFQNL_MSG_CONFIG, REQUEST|ACK, sequence 7
        0,  0, 0, 3,                                             // any family, queue 3
        8,  0, 1, 0, 1,    0,    0,  0,                          // command: bind
        9,  0, 2, 0, 0,    0,    1,  0, 2, 0, 0, 0,              // parameters: 256 bytes, copy the packet
        8,  0, 3, 0, 0,    0,    16, 0,                          // at most 4096 packets
        8,  0, 5, 0, 0,    0,    0,  1,                          // flags: fail open
        8,  0, 4, 0, 0,    0,    0,  1,                          // mask of flags
    });
    EXPECT_EQ(Bytes(writer.bytes().begin(), writer.bytes().end()), expected);
}

TEST(QueueMessages, AVerdictForARun) {
    netlink::MessageWriter writer;
    append_verdict_up_to(writer, 3, 0x01020304, Verdict::repeat().with_mark(9));
    const Bytes expected = bytes({
        40, 0, 0, 0, 0x03, 0x03, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // NFQNL_MSG_VERDICT_BATCH
        0,  0, 0, 3,                                            // queue 3
        12, 0, 2, 0, 0,    0,    0, 4, 1, 2, 3, 4,              // NF_REPEAT up to this id
        8,  0, 3, 0, 0,    0,    0, 9,                          // and the mark
    });
    EXPECT_EQ(Bytes(writer.bytes().begin(), writer.bytes().end()), expected);
}

TEST(Verdict, CodesAreTheKernels) {
    EXPECT_EQ(Verdict::drop().code(), 0U);
    EXPECT_EQ(Verdict::accept().code(), 1U);
    EXPECT_EQ(Verdict::repeat().code(), 4U);
    EXPECT_EQ(Verdict::stop().code(), 5U);
    EXPECT_EQ(Verdict::queue(7).code(), 0x00070003U);
    EXPECT_EQ(Verdict::queue(7, true).code(), 0x00078003U);
    EXPECT_NE(Verdict::accept(), Verdict::accept().with_mark(0));
}

TEST(Queue, PacketsThatComeBeforeTheAcknowledgementAreDelivered) {
    Bench bench({}, [](FakeKernel& kernel) {
        kernel.before_next_acknowledgement = {FakeKernel::packet(1, bytes({1})),
                                              FakeKernel::packet(2, bytes({2}))};
    });
    ASSERT_TRUE(bench.queue);
    std::vector<std::uint32_t> ids;
    const auto received = bench.queue->receive(
        [&ids](const Packet& packet) {
            ids.push_back(packet.id);
            return Verdict::accept();
        },
        0ms);
    EXPECT_EQ(received.value(), 2U);
    EXPECT_EQ(ids, (std::vector<std::uint32_t>{1, 2}));
    ASSERT_EQ(bench.kernel->sent.size(), 1U);
    EXPECT_EQ(verdicts_in(bench.kernel->sent[0]), (std::vector<Said>{{kBatch, 1, 2, {}}}));
}

TEST(Queue, RunsOfEqualVerdictsAreOneMessageEach) {
    Bench bench;
    std::vector<Bytes> packets;
    for (std::uint32_t id = 1; id <= 8; ++id) {
        packets.push_back(FakeKernel::packet(id, bytes({id})));
    }
    bench.kernel->arrive(packets);
    const auto received = bench.queue->receive(
        [](Batch& batch) {
            batch.all(Verdict::drop());
            batch.set(3, Verdict::accept().with_mark(5));
            batch.set(4, Verdict::accept().with_mark(6));
        },
        0ms);
    EXPECT_EQ(received.value(), 8U);
    ASSERT_EQ(bench.kernel->sent.size(), 1U) << "one system call for all";
    EXPECT_EQ(
        verdicts_in(bench.kernel->sent[0]),
        (std::vector<Said>{{kBatch, 0, 3, {}}, {kBatch, 1, 4, 5}, {kBatch, 1, 5, 6}, {kBatch, 0, 8, {}}}));
    EXPECT_EQ(bench.queue->stats().verdict_messages, 4U);
    EXPECT_EQ(bench.queue->stats().system_calls, 2U);
}

TEST(Queue, WhatTheHandlerDoesNotSetGetsTheDefault) {
    Bench bench({.default_verdict = Verdict::accept()});
    bench.kernel->arrive({FakeKernel::packet(1, {}), FakeKernel::packet(2, {})});
    ASSERT_TRUE(bench.queue->receive([](Batch&) {}, 0ms));
    EXPECT_EQ(verdicts_in(bench.kernel->sent[0]), (std::vector<Said>{{kBatch, 1, 2, {}}}));
}

TEST(Queue, AThrowingHandlerLeavesNoPacketWithoutAVerdict) {
    Bench bench;
    bench.kernel->arrive({FakeKernel::packet(1, {})});
    EXPECT_THROW(
        static_cast<void>(bench.queue->receive([](Batch&) { throw std::runtime_error("mine"); }, 0ms)),
        std::runtime_error);
    ASSERT_EQ(bench.kernel->sent.size(), 1U);
    EXPECT_EQ(verdicts_in(bench.kernel->sent[0]), (std::vector<Said>{{kBatch, 0, 1, {}}}));
}

TEST(Queue, MetadataIsRead) {
    Bench bench;
    bench.kernel->arrive({FakeKernel::packet(77, bytes({0x45, 2, 3}), 0xabc)});
    ASSERT_TRUE(bench.queue->receive(
        [](const Packet& packet) {
            EXPECT_EQ(packet.id, 77U);
            EXPECT_EQ(packet.hardware_protocol, 0x0800);
            EXPECT_EQ(packet.hook, Hook::input);
            EXPECT_EQ(packet.input_interface, 3U);
            EXPECT_EQ(packet.output_interface, 0U);
            EXPECT_EQ(packet.mark, 0xabcU);
            EXPECT_EQ(packet.payload.size(), 3U);
            EXPECT_EQ(packet.original_length, 3U);
            EXPECT_FALSE(packet.is_cut_short());
            EXPECT_FALSE(packet.uid);
            return Verdict::drop();
        },
        0ms));
}

TEST(Queue, LossIsTheGapInTheIdsAlsoWhereTheyWrap) {
    Bench bench;
    const auto receive_ids = [&bench](std::initializer_list<std::uint32_t> ids) {
        std::vector<Bytes> packets;
        for (const std::uint32_t id : ids) {
            packets.push_back(FakeKernel::packet(id, {}));
        }
        bench.kernel->arrive(packets);
        ASSERT_TRUE(bench.queue->receive([](Batch&) {}, 0ms));
    };
    receive_ids({1, 2, 3});
    EXPECT_EQ(bench.queue->stats().lost_in_socket, 0U);
    receive_ids({10});
    EXPECT_EQ(bench.queue->stats().lost_in_socket, 6U);
    receive_ids({0x7fffffff});
    const auto before = bench.queue->stats().lost_in_socket;
    receive_ids({0xfffffffe, 0xffffffff, 2});
    EXPECT_EQ(bench.queue->stats().lost_in_socket - before, 0x7ffffffeU + 2);
}

TEST(Queue, ErrorsInTheStreamAreCountedAndNotFatal) {
    Bench bench;
    bench.kernel->arrive({FakeKernel::error(ENOENT, 9), FakeKernel::packet(1, {}), bytes({1, 2, 3})});
    EXPECT_EQ(bench.queue->receive([](Batch&) {}, 0ms).value(), 1U);
    EXPECT_EQ(bench.queue->stats().kernel_errors, 1U);
    EXPECT_EQ(bench.queue->stats().malformed_messages, 1U);
}

TEST(Queue, AnErrorOfTheSmallestNumberIsCountedToo) {
    Bench bench;
    bench.kernel->arrive({FakeKernel::error(static_cast<int>(0x80000000U), 9)});
    EXPECT_EQ(bench.queue->receive([](Batch&) {}, 0ms).value(), 0U);
    EXPECT_EQ(bench.queue->stats().kernel_errors, 1U);
}

TEST(Queue, APacketWithoutAnIdIsCountedAsMalformed) {
    Bench bench;
    Bytes broken = FakeKernel::packet(1, {});
    broken[22] = std::byte{99};  // the type of the first attribute
    bench.kernel->arrive({broken});
    EXPECT_EQ(bench.queue->receive([](Batch&) { ADD_FAILURE(); }, 0ms).value(), 0U);
    EXPECT_EQ(bench.queue->stats().malformed_messages, 1U);
}

TEST(Queue, ATruncatedMessageStillGetsItsVerdict) {
    Bench bench;
    Bytes cut = FakeKernel::packet(5, Bytes(100));
    cut.resize(cut.size() - 60);
    bench.kernel->arrive({cut}, /*truncated=*/true);
    ASSERT_TRUE(bench.queue->receive(
        [](const Packet& packet) {
            EXPECT_EQ(packet.payload.size(), 40U);
            EXPECT_TRUE(packet.is_cut_short());
            return Verdict::accept();
        },
        0ms));
    EXPECT_EQ(verdicts_in(bench.kernel->sent[0]), (std::vector<Said>{{kBatch, 1, 5, {}}}));
    EXPECT_EQ(bench.queue->stats().truncated_messages, 1U);
    EXPECT_EQ(bench.queue->stats().cut_short, 1U);
}

TEST(Queue, FlagsTheKernelLacksAreGivenUp) {
    // Each of them alone, and together with others: what remains is what was asked for and is there.
    constexpr std::uint32_t kAll = NFQA_CFG_F_MAX - 1;
    for (std::uint32_t supported = 0; supported <= kAll; ++supported) {
        const Bench bench(
            {.fail_open = true, .gso = true, .uid_gid = true, .conntrack = true, .security_context = true},
            [supported](FakeKernel& kernel) { kernel.supported_flags = supported; });
        ASSERT_TRUE(bench.queue) << supported;
        EXPECT_EQ(bench.queue->active_flags(), supported);
    }
    const Bench few({.gso = true, .conntrack = true},
                    [](FakeKernel& kernel) { kernel.supported_flags = NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID; });
    ASSERT_TRUE(few.queue);
    EXPECT_EQ(few.queue->active_flags(), std::uint32_t{NFQA_CFG_F_GSO});
}

TEST(Queue, RefusalsAreToldApart) {
    const Bench missing({}, [](FakeKernel& kernel) { kernel.config_answers = {EINVAL}; });
    ASSERT_TRUE(missing.error);
    EXPECT_EQ(missing.error->kind, ErrorKind::not_supported);
    const Bench forbidden({.number = 65000}, [](FakeKernel& kernel) { kernel.config_answers = {EPERM}; });
    ASSERT_TRUE(forbidden.error);
    EXPECT_EQ(forbidden.error->kind, ErrorKind::no_permission);
    EXPECT_EQ(forbidden.error->message(), "bind queue 65000: not permitted without CAP_NET_ADMIN");
    const Bench impossible({.copy_range = 70000});
    ASSERT_TRUE(impossible.error);
    EXPECT_EQ(impossible.error->kind, ErrorKind::invalid_config);
}

TEST(Queue, APassingShortageOfMemoryLosesNoVerdict) {
    Bench bench;
    bench.kernel->arrive({FakeKernel::packet(1, {})});
    bench.kernel->send_failures = {ENOBUFS, ENOBUFS, 0};
    ASSERT_TRUE(bench.queue->receive([](Batch&) {}, 0ms));
    EXPECT_EQ(bench.kernel->sent.size(), 1U);
    bench.kernel->arrive({FakeKernel::packet(2, {})});
    bench.kernel->send_failures = {EPERM};
    const auto refused = bench.queue->receive([](Batch&) {}, 0ms);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::no_permission);
}

TEST(Queue, AStopDrainsAndUnbinds) {
    Bench bench;
    for (std::uint32_t id = 1; id <= 5; ++id) {
        bench.kernel->arrive({FakeKernel::packet(id, {})});
    }
    std::stop_source stop;
    stop.request_stop();
    std::size_t seen = 0;
    ASSERT_TRUE(bench.queue->run([&seen](Batch& batch) { seen += batch.size(); }, stop.get_token()));
    EXPECT_EQ(seen, 5U);
    netlink::MessageReader last(bench.kernel->sent.back());
    const auto message = last.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->type, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG);
    EXPECT_EQ(std::to_integer<int>(message->body[8]), NFQNL_CFG_CMD_UNBIND);
}

TEST(KernelStats, ReadsTheFileOfProc) {
    const auto queues = parse_kernel_stats(
        "    0   1234     5 2   256     6     7       89  1\nnonsense\n"
        "    3 4294963   0 1     0     0     0        0  1\n");
    ASSERT_EQ(queues.size(), 2U);
    EXPECT_EQ(queues[0].number, 0);
    EXPECT_EQ(queues[0].portid, 1234U);
    EXPECT_EQ(queues[0].waiting, 5U);
    EXPECT_EQ(queues[0].copy_mode, 2U);
    EXPECT_EQ(queues[0].copy_range, 256U);
    EXPECT_EQ(queues[0].queue_dropped, 6U);
    EXPECT_EQ(queues[0].user_dropped, 7U);
    EXPECT_EQ(queues[0].last_id, 89U);
    EXPECT_EQ(queues[1].number, 3);
    EXPECT_TRUE(parse_kernel_stats("").empty());
}

TEST(ErrorMessage, NamesTheOwner) {
    Error error{.kind = ErrorKind::queue_taken,
                .operation = "bind queue 3",
                .errno_number = EPERM,
                .owner_portid = 812,
                .owner_pid = 812,
                .owner_name = "suricata"};
    EXPECT_EQ(error.message(), "bind queue 3: taken by process 812 (suricata)");
    error.owner_pid.reset();
    EXPECT_EQ(error.message(), "bind queue 3: taken by netlink port 812");
}

}  // namespace
}  // namespace farewell::nfq

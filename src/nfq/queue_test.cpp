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
#include <farewell/nfq/testing.hpp>

#include "nfq/test_messages.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;
using Bytes = FakeKernel::Bytes;

/// A queue over a fake kernel that the test keeps a hand on.
struct Bench {
    FakeKernel kernel;
    std::optional<Queue> queue;
    std::optional<Error> error;

    explicit Bench(const QueueConfig& config = {}, const std::function<void(FakeKernel&)>& prepare = {}) {
        if (prepare) {
            prepare(kernel);
        }
        auto opened = kernel.open(config);
        if (opened) {
            queue = std::move(*opened);
            static_cast<void>(kernel.take_sent());
        } else {
            error = opened.error();
        }
    }

    void arrive(std::uint32_t packets) {
        for (std::uint32_t i = 0; i < packets; ++i) {
            kernel.arrive({.payload = Bytes(20)});
        }
    }
    /// What the one send since the last look said.
    std::vector<Said> said() {
        const auto sent = kernel.take_sent();
        EXPECT_EQ(sent.size(), 1U) << "one system call for all";
        return sent.empty() ? std::vector<Said>() : said_in(sent.front());
    }
};

TEST(Queue, PacketsThatComeBeforeTheAcknowledgementAreDelivered) {
    Bench bench({}, [](FakeKernel& kernel) {
        kernel.arrive_before_acknowledgement({{.payload = bytes({1})}, {.payload = bytes({2})}});
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
    EXPECT_EQ(bench.said(), (std::vector<Said>{{kBatch, 1, 2, {}}}));
}

TEST(Queue, RunsOfEqualVerdictsAreOneMessageEach) {
    Bench bench;
    bench.arrive(8);
    const auto received = bench.queue->receive(
        [](Batch& batch) {
            batch.all(Verdict::drop());
            batch.set(3, Verdict::accept().with_mark(5));
            batch.set(4, Verdict::accept().with_mark(6));
        },
        0ms);
    EXPECT_EQ(received.value(), 8U);
    EXPECT_EQ(
        bench.said(),
        (std::vector<Said>{{kBatch, 0, 3, {}}, {kBatch, 1, 4, 5}, {kBatch, 1, 5, 6}, {kBatch, 0, 8, {}}}));
    EXPECT_EQ(bench.queue->stats().verdict_messages, 4U);
    EXPECT_EQ(bench.queue->stats().system_calls, 2U);
}

TEST(Queue, WhatTheHandlerDoesNotSetGetsTheDefault) {
    Bench bench({.default_verdict = Verdict::accept()});
    bench.arrive(2);
    ASSERT_TRUE(bench.queue->receive([](Batch&) {}, 0ms));
    EXPECT_EQ(bench.said(), (std::vector<Said>{{kBatch, 1, 2, {}}}));
}

TEST(Queue, AThrowingHandlerLeavesNoPacketWithoutAVerdict) {
    Bench bench;
    bench.arrive(1);
    EXPECT_THROW(
        static_cast<void>(bench.queue->receive([](Batch&) { throw std::runtime_error("mine"); }, 0ms)),
        std::runtime_error);
    EXPECT_EQ(bench.said(), (std::vector<Said>{{kBatch, 0, 1, {}}}));
}

TEST(Queue, MetadataIsRead) {
    Bench bench;
    bench.kernel.arrive({.payload = bytes({0x45, 2, 3}), .id = 77, .mark = 0xabc, .input_interface = 3});
    ASSERT_TRUE(bench.queue->receive(
        [](const Packet& packet) {
            EXPECT_EQ(packet.id, 77U);
            EXPECT_EQ(packet.hardware_protocol, 0x0800);
            EXPECT_EQ(packet.hook, Hook::input);
            EXPECT_EQ(packet.metadata().input_interface, 3U);
            EXPECT_EQ(packet.metadata().output_interface, 0U);
            EXPECT_EQ(packet.metadata().mark, 0xabcU);
            EXPECT_EQ(packet.payload.size(), 3U);
            EXPECT_EQ(packet.original_length, 3U);
            EXPECT_FALSE(packet.is_cut_short());
            EXPECT_FALSE(packet.metadata().uid);
            return Verdict::drop();
        },
        0ms));
}

TEST(Queue, LossIsTheGapInTheIdsAlsoWhereTheyWrap) {
    Bench bench;
    const auto receive_ids = [&bench](std::initializer_list<std::uint32_t> ids) {
        for (const std::uint32_t id : ids) {
            bench.kernel.arrive({.id = id});
        }
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
    bench.kernel.arrive_datagram(FakeKernel::error_message(ENOENT, 9));
    bench.arrive(1);
    bench.kernel.arrive_datagram(bytes({1, 2, 3}));
    EXPECT_EQ(bench.queue->receive([](Batch&) {}, 0ms).value(), 1U);
    EXPECT_EQ(bench.queue->stats().kernel_errors, 1U);
    EXPECT_EQ(bench.queue->stats().malformed_messages, 1U);
}

TEST(Queue, AnErrorOfTheSmallestNumberIsCountedToo) {
    Bench bench;
    bench.kernel.arrive_datagram(FakeKernel::error_message(static_cast<int>(0x80000000U), 9));
    EXPECT_EQ(bench.queue->receive([](Batch&) {}, 0ms).value(), 0U);
    EXPECT_EQ(bench.queue->stats().kernel_errors, 1U);
}

TEST(Queue, APacketWithoutAnIdIsCountedAsMalformed) {
    Bench bench;
    Bytes broken = FakeKernel::packet_message({}, 1);
    broken[22] = std::byte{99};  // the type of the first attribute
    bench.kernel.arrive_datagram(broken);
    EXPECT_EQ(bench.queue->receive([](Batch&) { ADD_FAILURE(); }, 0ms).value(), 0U);
    EXPECT_EQ(bench.queue->stats().malformed_messages, 1U);
}

TEST(Queue, ATruncatedMessageStillGetsItsVerdict) {
    Bench bench;
    Bytes cut = FakeKernel::packet_message({.payload = Bytes(100)}, 5);
    cut.resize(cut.size() - 60);
    bench.kernel.arrive_datagram(cut, /*truncated=*/true);
    ASSERT_TRUE(bench.queue->receive(
        [](const Packet& packet) {
            EXPECT_EQ(packet.payload.size(), 40U);
            EXPECT_TRUE(packet.is_cut_short());
            return Verdict::accept();
        },
        0ms));
    EXPECT_EQ(bench.said(), (std::vector<Said>{{kBatch, 1, 5, {}}}));
    EXPECT_EQ(bench.queue->stats().truncated_messages, 1U);
    EXPECT_EQ(bench.queue->stats().cut_short, 1U);
}

TEST(Queue, FlagsTheKernelLacksAreGivenUp) {
    // Each of them alone, and together with others: what remains is what was asked for and is there.
    constexpr std::uint32_t kAll = NFQA_CFG_F_MAX - 1;
    for (std::uint32_t supported = 0; supported <= kAll; ++supported) {
        const Bench bench(
            {.fail_open = true, .gso = true, .uid_gid = true, .conntrack = true, .security_context = true},
            [supported](FakeKernel& kernel) { kernel.support_flags(supported); });
        ASSERT_TRUE(bench.queue) << supported;
        EXPECT_EQ(bench.queue->active_flags(), supported);
    }
    const Bench few({.gso = true, .conntrack = true},
                    [](FakeKernel& kernel) { kernel.support_flags(NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID); });
    ASSERT_TRUE(few.queue);
    EXPECT_EQ(few.queue->active_flags(), std::uint32_t{NFQA_CFG_F_GSO});
}

TEST(Queue, RefusalsAreToldApart) {
    const Bench missing({}, [](FakeKernel& kernel) { kernel.answer_config({EINVAL}); });
    ASSERT_TRUE(missing.error);
    EXPECT_EQ(missing.error->kind, ErrorKind::not_supported);
    const Bench forbidden({.number = 65000}, [](FakeKernel& kernel) { kernel.answer_config({EPERM}); });
    ASSERT_TRUE(forbidden.error);
    EXPECT_EQ(forbidden.error->kind, ErrorKind::no_permission);
    EXPECT_EQ(forbidden.error->message(), "bind queue 65000: not permitted without CAP_NET_ADMIN");
    const Bench impossible({.copy_range = 70000});
    ASSERT_TRUE(impossible.error);
    EXPECT_EQ(impossible.error->kind, ErrorKind::invalid_config);
}

TEST(Queue, APassingShortageOfMemoryLosesNoVerdict) {
    Bench bench;
    bench.arrive(1);
    bench.kernel.fail_sends({ENOBUFS, ENOBUFS, 0});
    ASSERT_TRUE(bench.queue->receive([](Batch&) {}, 0ms));
    EXPECT_EQ(bench.kernel.given().size(), 1U);
    bench.arrive(1);
    bench.kernel.fail_sends({EPERM});
    const auto refused = bench.queue->receive([](Batch&) {}, 0ms);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::no_permission);
}

TEST(Queue, AStopDrainsAndUnbinds) {
    Bench bench;
    bench.arrive(5);
    std::stop_source stop;
    stop.request_stop();
    std::size_t seen = 0;
    ASSERT_TRUE(bench.queue->run([&seen](Batch& batch) { seen += batch.size(); }, stop.get_token()));
    EXPECT_EQ(seen, 5U);
    EXPECT_EQ(bench.kernel.given().size(), 5U);
    EXPECT_FALSE(bench.kernel.is_bound());
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
    Error error{.kind = ErrorKind::taken,
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

// SPDX-License-Identifier: MIT
// What the library promises, whatever goes wrong: each test breaks something. docs/contract.md numbers the
// promises and names the test of each; those that only a real kernel can show are in
// the *_kernel_test.cpp.
#include <farewell/nfq/queue.hpp>

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include <farewell/nfq/pool.hpp>
#include <farewell/nfq/testing.hpp>

#include "nfq/queue_messages.hpp"
#include "nfq/test_messages.hpp"
#include "nfq/test_queue.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;
using Bytes = FakeKernel::Bytes;
using Ids = std::vector<std::uint32_t>;

std::optional<std::uint8_t> command_of(const netlink::Message& message) {
    netlink::AttributeReader attributes(message.body.subspan(std::min<std::size_t>(4, message.body.size())));
    while (const auto attribute = attributes.next()) {
        if (message.type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG) && attribute->type == NFQA_CFG_CMD) {
            return std::to_integer<std::uint8_t>(attribute->value[0]);
        }
    }
    return std::nullopt;
}

TEST(Contract, OneMessageBindsAndItAsksForAnAcknowledgement) {
    FakeKernel kernel;
    const Queue queue = open(kernel, {.fail_open = true});
    const auto sent = kernel.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    netlink::MessageReader reader(sent.front());
    const auto message = reader.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(command_of(*message), NFQNL_CFG_CMD_BIND);
    EXPECT_NE(message->flags & NLM_F_ACK, 0);
    EXPECT_FALSE(reader.next());
}

TEST(Contract, PacketsBeforeTheAcknowledgementComeInBatches) {
    FakeKernel kernel;
    kernel.arrive_before_acknowledgement(std::vector<FakePacket>(150));
    Queue queue = open(kernel);
    arrive(kernel, 1);
    std::vector<std::size_t> sizes;
    while (!kernel.waiting().empty() && sizes.size() < 10) {
        const auto received = queue.receive([](Batch&) {}, 0ms);
        ASSERT_TRUE(received);
        sizes.push_back(*received);
    }
    // The acknowledgement came in one receive with the last of the 150; the wake-up, which makes fd()
    // readable for who polls it, comes with the packet after.
    EXPECT_EQ(sizes, (std::vector<std::size_t>{64, 64, 22, 1}));
    EXPECT_EQ(queue.stats().lost_in_socket, 0U);
}

TEST(Contract, AStopBeforeTheFirstReceiveStillAnswersWhatCameEarly) {
    FakeKernel kernel;
    kernel.arrive_before_acknowledgement(std::vector<FakePacket>(100));
    Queue queue = open(kernel);
    std::stop_source stop;
    stop.request_stop();
    ASSERT_TRUE(queue.run([](Batch&) {}, stop.get_token()));
    EXPECT_EQ(kernel.given().size(), 100U);
}

TEST(Contract, VerdictsBeyondTheSendBufferGoInSeveralSends) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    kernel.limit_sends(100);  // two verdicts of 32 bytes each, with a mark 40
    const auto mark_each = [](const Packet& packet) { return Verdict::accept().with_mark(packet.id); };
    arrive(kernel, 64);
    const auto received = queue.receive(mark_each, 0ms);
    ASSERT_TRUE(received) << received.error().message();
    EXPECT_TRUE(kernel.waiting().empty());
    static_cast<void>(kernel.take_sent());
    const auto calls = queue.stats().system_calls;
    arrive(kernel, 64);
    ASSERT_TRUE(queue.receive(mark_each, 0ms));
    EXPECT_EQ(queue.stats().system_calls - calls, kernel.take_sent().size() + 1) << "the limit is learned";
}

TEST(Contract, ASendBufferTooSmallForOneVerdictIsAnError) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    kernel.limit_sends(10);
    arrive(kernel, 2);
    const auto received = queue.receive([](Batch&) {}, 0ms);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().errno_number, EMSGSIZE);
}

TEST(Contract, VerdictsThatCouldNotBeSentGoWithTheNext) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 3);
    const Bytes rewritten(9, std::byte{7});
    kernel.fail_sends(std::vector<int>(1000, ENOBUFS));
    const auto refused =
        queue.receive([&](Batch& batch) { ASSERT_TRUE(batch.mangle(batch[1], rewritten)); }, 0ms);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(), "give verdicts on queue 0: No buffer space available (ENOBUFS)");
    kernel.fail_sends({});
    arrive(kernel, 1);
    ASSERT_TRUE(queue.receive([](Batch&) {}, 0ms));
    EXPECT_TRUE(kernel.waiting().empty());
    EXPECT_EQ(kernel.verdict_of(2)->payload, rewritten) << "kept, though the batch it came with is gone";
}

TEST(Contract, AMangledPacketGoesInTheOneSendWithTheOthers) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    static_cast<void>(kernel.take_sent());
    arrive(kernel, 4);
    ASSERT_TRUE(queue.receive(
        [](Batch& batch) {
            for (const Packet& packet : batch.packets()) {
                Bytes changed(packet.payload.begin(), packet.payload.end());
                changed.resize(changed.size() + packet.id);
                if (packet.id != 3) {
                    ASSERT_TRUE(batch.mangle(packet, changed));
                }  // and `changed` is gone: its bytes were copied
            }
            ASSERT_FALSE(batch.mangle(batch[2], Bytes(Batch::kPayloadMax + 1))) << "no attribute carries it";
        },
        0ms));
    EXPECT_EQ(kernel.take_sent().size(), 1U);
    EXPECT_EQ(kernel.verdict_of(1)->payload->size(), 21U);
    EXPECT_EQ(kernel.verdict_of(2)->payload->size(), 22U);
    EXPECT_EQ(kernel.verdict_of(3)->verdict, Verdict::drop()) << "the default, because it was not mangled";
    EXPECT_FALSE(kernel.verdict_of(3)->payload);
    EXPECT_EQ(kernel.verdict_of(4)->payload->size(), 24U);
    EXPECT_EQ(kernel.verdict_of(4)->verdict, Verdict::accept());
}

TEST(Contract, NoBatchPassesOverAHeldPacket) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 5);
    std::optional<Held> held;
    const auto hold_the_third = [&](Batch& batch) {
        for (const Packet& packet : batch.packets()) {
            if (packet.id == 3) {
                held = batch.hold(packet);
            }
        }
    };
    ASSERT_TRUE(queue.receive(hold_the_third, 0ms));
    EXPECT_EQ(kernel.waiting(), (Ids{3}));
    arrive(kernel, 5);
    ASSERT_TRUE(queue.receive(hold_the_third, 0ms));
    EXPECT_EQ(kernel.waiting(), (Ids{3})) << "later batches neither";
    EXPECT_EQ(queue.stats().held, 1U);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->id(), 3U);
    std::move(*held).verdict(Verdict::accept().with_mark(9));
    EXPECT_EQ(kernel.verdict_of(3)->verdict, Verdict::accept().with_mark(9));
    EXPECT_EQ(queue.stats().held, 0U);
    static_cast<void>(kernel.take_sent());
    arrive(kernel, 5);
    ASSERT_TRUE(queue.receive(hold_the_third, 0ms));
    EXPECT_EQ(kernel.take_sent().at(0).size(), 32U) << "batches again, now that nothing is held";
    EXPECT_EQ(queue.stats().kernel_errors, 0U);
}

TEST(Contract, AHeldPacketThatIsForgottenGetsTheDefaultVerdict) {
    FakeKernel kernel;
    Queue queue = open(kernel, {.default_verdict = Verdict::accept()});
    arrive(kernel, 3);
    ASSERT_TRUE(queue.receive(
        [](Batch& batch) {
            Held first = batch.hold(batch[0]);
            const Held second = batch.hold(batch[1]);
            first = batch.hold(batch[2]);  // the one before is answered by this
        },
        0ms));
    EXPECT_TRUE(kernel.waiting().empty());
    EXPECT_EQ(kernel.given().size(), 3U);
    EXPECT_EQ(kernel.verdict_of(1)->verdict, Verdict::accept());
    EXPECT_EQ(queue.stats().held, 0U);
}

TEST(Contract, AHeldVerdictTheKernelDoesNotTakeGoesWithTheNext) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 1);
    std::optional<Held> held;
    ASSERT_TRUE(queue.receive([&held](Batch& batch) { held = batch.hold(batch[0]); }, 0ms));
    kernel.fail_sends(std::vector<int>(1000, ENOBUFS));
    const Bytes altered(40, std::byte{5});
    ASSERT_TRUE(std::move(*held).verdict(Verdict::accept(), altered));
    EXPECT_EQ(kernel.waiting(), (Ids{1}));
    EXPECT_EQ(queue.stats().held, 1U) << "the kernel has it still, so no batch may pass over it";
    kernel.fail_sends({});
    queue.wake();
    ASSERT_TRUE(queue.receive([](Batch&) {}, 0ms));
    EXPECT_EQ(kernel.verdict_of(1)->payload, altered);
    EXPECT_EQ(queue.stats().held, 0U);
}

TEST(Contract, AHeldPacketOutlivesItsQueueWithoutHarm) {
    FakeKernel kernel;
    std::optional<Held> held;
    {
        Queue queue = open(kernel);
        arrive(kernel, 1);
        ASSERT_TRUE(queue.receive([&held](Batch& batch) { held = batch.hold(batch[0]); }, 0ms));
    }
    EXPECT_TRUE(kernel.waiting().empty()) << "dropped with the queue";
    std::move(*held).verdict(Verdict::accept());
    EXPECT_TRUE(kernel.given().empty());
}

TEST(Contract, HeldPacketsAreAnsweredFromOtherThreadsWhileTheQueueRuns) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    {
        const std::jthread running([&](const std::stop_token& stop) {
            const auto ended = queue.run(
                [](Batch& batch) {
                    for (const Packet& packet : batch.packets()) {
                        if (packet.id % 3 == 0) {
                            std::thread([held = batch.hold(packet)]() mutable {
                                std::move(held).verdict(Verdict::accept());
                            }).detach();
                        }
                    }
                },
                stop);
            EXPECT_TRUE(ended);
        });
        arrive(kernel, 300);
        EXPECT_TRUE(kernel.wait_given(300, 20s));
    }
    for (std::uint32_t id = 1; id <= 300; ++id) {
        ASSERT_EQ(kernel.verdict_of(id)->verdict, id % 3 == 0 ? Verdict::accept() : Verdict::drop()) << id;
    }
    EXPECT_FALSE(kernel.is_bound());
}

TEST(Contract, LossIsCountedExactly) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 2);
    kernel.lose(7);
    arrive(kernel, 1);
    EXPECT_EQ(queue.receive([](Batch&) {}, 0ms).value(), 3U);
    EXPECT_EQ(queue.stats().lost_in_socket, 7U);
}

TEST(Contract, AnOverrunAndErrorsInTheStreamAreNotFatal) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    kernel.fail_receives({ENOBUFS});
    EXPECT_EQ(queue.receive([](Batch&) {}, 0ms).value(), 0U);
    kernel.arrive_datagram(FakeKernel::error_message(ENOENT, 9));
    arrive(kernel, 1);
    EXPECT_EQ(queue.receive([](Batch&) {}, 0ms).value(), 1U);
    EXPECT_EQ(queue.stats().kernel_errors, 1U);
}

TEST(Contract, DamagedAndTruncatedPacketsGetTheirVerdictsToo) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    static_cast<void>(kernel.take_sent());
    Bytes damaged = FakeKernel::packet_message({.mark = 3}, 1);
    damaged[32] = std::byte{2};  // the second attribute's length, which cannot be
    kernel.arrive_datagram(damaged);
    Bytes cut = FakeKernel::packet_message({.payload = Bytes(100)}, 2);
    cut.resize(cut.size() - 60);
    kernel.arrive_datagram(cut, /*truncated=*/true);
    EXPECT_EQ(queue.receive([](Batch&) {}, 0ms).value(), 2U);
    EXPECT_EQ(said_in(kernel.take_sent().at(0)), (std::vector<Said>{{kBatch, 0, 2}}));
    EXPECT_EQ(queue.stats().malformed_messages, 1U);
    EXPECT_EQ(queue.stats().truncated_messages, 1U);
}

TEST(Contract, MorePacketsInOneDatagramThanABatchHoldsAreSeveralBatches) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    Bytes many;
    for (std::uint32_t id = 1; id <= 100; ++id) {
        const Bytes one = FakeKernel::packet_message({}, id);
        many.insert(many.end(), one.begin(), one.end());
    }
    kernel.arrive_datagram(many);
    std::vector<std::size_t> sizes;
    EXPECT_EQ(queue.receive([&sizes](Batch& batch) { sizes.push_back(batch.size()); }, 0ms).value(), 100U);
    EXPECT_EQ(sizes, (std::vector<std::size_t>{64, 36}));
}

TEST(Contract, UnbindingAsksForNoAcknowledgement) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    std::stop_source stop;
    stop.request_stop();
    ASSERT_TRUE(queue.run([](Batch&) {}, stop.get_token()));
    const auto sent = kernel.take_sent();
    netlink::MessageReader reader(sent.back());
    const auto message = reader.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(command_of(*message), NFQNL_CFG_CMD_UNBIND);
    EXPECT_EQ(message->flags & NLM_F_ACK, 0) << "under a flood the receive buffer would swallow it";
}

TEST(Contract, AStopEndsAnIdleWaitAndAnswersEverything) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    std::jthread running([&queue](const std::stop_token& stop) {
        EXPECT_TRUE(queue.run([](const Packet&) { return Verdict::accept(); }, stop));
    });
    arrive(kernel, 10);
    EXPECT_TRUE(kernel.wait_given(10, 20s));
    running.request_stop();
    running.join();
    EXPECT_FALSE(kernel.is_bound());
    EXPECT_EQ(kernel.given().size(), 10U);
}

TEST(Contract, ACopyRangeOfZeroIsNotTheKernelsEverything) {
    FakeKernel kernel;
    const Queue queue = open(kernel, {.copy_range = 0});
    const auto sent = kernel.take_sent();
    netlink::MessageReader reader(sent.front());
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

TEST(Contract, VerdictsAreSetByPacketAsWellAsByIndex) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 3);
    ASSERT_TRUE(queue.receive(
        [](Batch& batch) {
            batch.all(Verdict::accept());
            batch.set(batch[0], Verdict::drop());
            batch.set_mark(batch[1], 5);
        },
        0ms));
    EXPECT_EQ(kernel.verdict_of(1)->verdict, Verdict::drop());
    EXPECT_EQ(kernel.verdict_of(2)->verdict, Verdict::accept().with_mark(5));
    EXPECT_EQ(kernel.verdict_of(3)->verdict, Verdict::accept());
}

TEST(PoolContract, ARangeThatEndsBeforeItBeginsIsNoPool) {
    const auto pool = Pool::open({}, 3, 2);
    ASSERT_FALSE(pool);
    EXPECT_EQ(pool.error().kind, ErrorKind::invalid_config);
    EXPECT_EQ(pool.error().message(), "open queues 3 to 2: invalid configuration");
}

}  // namespace
}  // namespace farewell::nfq

// SPDX-License-Identifier: MIT
// More of what the library promises (see queue_contract_test.cpp): when it takes packets, and when it gives
// their verdicts.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <stop_token>
#include <thread>

#include "nfq/test_queue.hpp"

namespace farewell::nfq {
namespace {

using namespace std::chrono_literals;

TEST(Contract, ATrickleIsTakenTogetherWhereThatIsAskedFor) {
    FakeKernel kernel;
    Queue queue = open(kernel, {.max_wait = 5ms});
    std::jthread running(
        [&queue](const std::stop_token& stop) { EXPECT_TRUE(queue.run([](Batch&) {}, stop)); });
    arrive(kernel, 1);
    EXPECT_TRUE(kernel.wait_given(1, 20s));
    running.request_stop();
    running.join();
    EXPECT_GE(kernel.pauses(), 1U);
    FakeKernel prompt;
    Queue at_once = open(prompt);
    arrive(prompt, 1);
    EXPECT_EQ(at_once.receive([](Batch&) {}, 1s).value(), 1U);
    EXPECT_EQ(prompt.pauses(), 0U);
    const auto endless = prompt.open({.max_wait = 51ms});
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error().kind, ErrorKind::invalid_config);
}

TEST(Contract, AFullBatchNeverWaitsForMore) {
    FakeKernel kernel;
    Queue queue = open(kernel, {.max_wait = 5ms});
    arrive(kernel, 640);
    std::jthread running(
        [&queue](const std::stop_token& stop) { EXPECT_TRUE(queue.run([](Batch&) {}, stop)); });
    EXPECT_TRUE(kernel.wait_given(640, 20s));
    EXPECT_EQ(kernel.pauses(), 1U) << "before the first batch, which could not be known to be full";
    running.request_stop();
}

TEST(Contract, UnderLoadMoreIsLetArriveAndALonePacketNeverWaits) {
    const auto pauses_after = [](std::uint32_t packets, std::chrono::microseconds load_wait) {
        FakeKernel kernel;
        Queue queue = open(kernel, {.load_wait = load_wait});
        arrive(kernel, packets);  // one batch
        std::jthread running(
            [&queue](const std::stop_token& stop) { EXPECT_TRUE(queue.run([](Batch&) {}, stop)); });
        EXPECT_TRUE(kernel.wait_given(packets, 20s));
        arrive(kernel, 1);
        EXPECT_TRUE(kernel.wait_given(packets + 1, 20s));
        running.request_stop();
        running.join();
        return kernel.pauses();
    };
    EXPECT_EQ(pauses_after(10, 50us), 1U);
    EXPECT_EQ(pauses_after(10, 0us), 0U);
    EXPECT_EQ(pauses_after(3, 50us), 0U);
    EXPECT_EQ(pauses_after(64, 50us), 0U) << "a full batch has more behind it";
    FakeKernel kernel;
    EXPECT_EQ(kernel.open({.load_wait = 51ms}).error().kind, ErrorKind::invalid_config);
}

TEST(Contract, ABurstOfSixtyFourCostsTwoSystemCalls) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    for (int burst = 0; burst < 10; ++burst) {
        arrive(kernel, 64);
        const auto before = queue.stats().system_calls;
        EXPECT_EQ(queue.receive([](Batch& batch) { batch.all(Verdict::accept()); }, 0ms), 64U);
        EXPECT_EQ(queue.stats().system_calls - before, 2U) << "0.03 a packet";
    }
}

TEST(Contract, AHandlerThatHasMoreToDoGivesTheVerdictsFirst) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 3);
    ASSERT_TRUE(queue.receive(
        [&kernel](Batch& batch) {
            batch.set(1, Verdict::accept());
            EXPECT_EQ(kernel.waiting().size(), 3U);
            batch.give_verdicts();
            EXPECT_TRUE(kernel.waiting().empty());
            EXPECT_EQ(batch.size(), 3U) << "the packets stay";
            batch.all(Verdict::accept());  // too late
            batch.give_verdicts();
        },
        0ms));
    EXPECT_EQ(kernel.given().size(), 3U) << "and nobody gets two";
    EXPECT_EQ(kernel.verdict_of(1)->verdict, Verdict::drop());
    EXPECT_EQ(kernel.verdict_of(2)->verdict, Verdict::accept());
    EXPECT_EQ(queue.stats().kernel_errors, 0U);
}

TEST(Contract, AnExceptionAfterTheVerdictsGivesNoSecondOnes) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 1);
    EXPECT_THROW(static_cast<void>(queue.receive(
                     [](Batch& batch) {
                         batch.all(Verdict::accept());
                         batch.give_verdicts();
                         throw 1;
                     },
                     0ms)),
                 int);
    EXPECT_EQ(kernel.given().size(), 1U);
    EXPECT_EQ(kernel.verdict_of(1)->verdict, Verdict::accept());
}

TEST(Contract, VerdictsThatCannotBeGivenFirstAreAnErrorAllTheSame) {
    FakeKernel kernel;
    Queue queue = open(kernel);
    arrive(kernel, 1);
    kernel.fail_sends({EPERM});
    const auto received = queue.receive([](Batch& batch) { batch.give_verdicts(); }, 0ms);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().errno_number, EPERM);
    arrive(kernel, 1);
    EXPECT_TRUE(queue.receive([](Batch&) {}, 0ms)) << "it is not remembered";
    EXPECT_EQ(kernel.given().size(), 2U) << "they went with the next";
}

}  // namespace
}  // namespace farewell::nfq

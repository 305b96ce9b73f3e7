// SPDX-License-Identifier: MIT
// The bytes of what is sent, one by one.
#include "nfq/queue_messages.hpp"

#include <gtest/gtest.h>

#include "nfq/test_messages.hpp"

namespace farewell::nfq {
namespace {

using Bytes = std::vector<std::byte>;

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

TEST(QueueMessages, AVerdictWithoutItsPayloadCountsItAndPads) {
    netlink::MessageWriter writer;
    EXPECT_EQ(append_verdict_without_payload(writer, 3, 5, Verdict::accept(), 3), 1U);
    const Bytes expected = bytes({
        39, 0, 0,  0, 0x01, 0x03, 1, 0, 0, 0, 0, 0,
        0,  0, 0,  0,                                // NFQNL_MSG_VERDICT, with three bytes to come
        0,  0, 0,  3,                                // queue 3
        12, 0, 2,  0, 0,    0,    0, 1, 0, 0, 0, 5,  // NF_ACCEPT for packet 5
        7,  0, 10, 0,                                // the payload, which follows
        0,                                           // and its padding
    });
    EXPECT_EQ(Bytes(writer.bytes().begin(), writer.bytes().end()), expected);
}

}  // namespace
}  // namespace farewell::nfq

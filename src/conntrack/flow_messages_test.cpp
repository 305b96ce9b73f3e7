// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/flow_messages.hpp"

#include <gtest/gtest.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "netlink/test_hex.hpp"

namespace farewell::conntrack {
namespace {

using netlink::from_hex;

std::optional<Flow> parse(const std::vector<std::byte>& bytes) {
    netlink::MessageReader reader(bytes);
    return parse_flow(reader.next().value());
}

core::Address loopback(unsigned third, unsigned fourth) {
    const std::array bytes{std::byte{127}, std::byte{0}, static_cast<std::byte>(third),
                           static_cast<std::byte>(fourth)};
    return core::Address::ipv4(bytes);
}

// 127.0.5.1:40000 to 127.0.0.1:8080, established; of Linux 6.18.
constexpr std::string_view kTuple =
    "14000180 08000100 7f000501 08000200 7f000001"
    "1c000280 05000100 06000000 06000200 9c400000 06000300 1f900000";
const std::string kTcpEntry =
    "d4000000 0001 0200 07000000 00000000 02000000 34000180" + std::string(kTuple) +
    "34000280 14000180 08000100 7f000001 08000200 7f000501"
    "1c000280 05000100 06000000 06000200 1f900000 06000300 9c400000"
    "08000300 0000000e 08000800 00000000 08000c00 79382bc0 08000b00 00000001 08000700 00069780"
    "30000480 2c000180 05000100 03000000 05000200 0a000000 05000300 0a000000 06000400 23000000 06000500 "
    "23000000";
// [2001:db8::5]:40001 to itself, port 53, unanswered.
const std::string kUdpEntry =
    "d4000000 0001 0200 07000000 00000000 0a000000"
    "4c000180 2c000180 14000300 20010db8 00000000 00000000 00000005 14000400 20010db8 00000000 00000000 "
    "00000005"
    "1c000280 05000100 11000000 06000200 9c410000 06000300 00350000"
    "4c000280 2c000180 14000300 20010db8 00000000 00000000 00000005 14000400 20010db8 00000000 00000000 "
    "00000005"
    "1c000280 05000100 11000000 06000200 00350000 06000300 9c410000"
    "08000300 00000008 08000800 00000000 08000c00 d30a119a 08000b00 00000001 08000700 0000001d";

Flow tcp_flow() {
    return parse(from_hex(kTcpEntry)).value();
}

std::vector<std::byte> question(const Filter& filter) {
    netlink::MessageWriter writer;
    append_flow_question(writer, filter, 7);
    return {writer.bytes().begin(), writer.bytes().end()};
}

TEST(FlowMessages, AnEntryIsRead) {
    const Flow flow = tcp_flow();
    EXPECT_EQ(flow.family, core::Family::ipv4);
    EXPECT_EQ(flow.opened_by, loopback(5, 1));
    EXPECT_EQ(flow.answered_from, loopback(0, 1));
    EXPECT_EQ(flow.protocol, 6);
    EXPECT_EQ(flow.status, 0xeU);
    EXPECT_EQ(flow.tcp_state, TCP_CONNTRACK_ESTABLISHED);
    EXPECT_EQ(flow.tuple, from_hex(kTuple));
    EXPECT_EQ(flow.id, from_hex("79382bc0"));
    EXPECT_TRUE(flow.zone.empty());
    EXPECT_TRUE(is_standing(flow));

    const Flow udp = parse(from_hex(kUdpEntry)).value();
    EXPECT_EQ(udp.family, core::Family::ipv6);
    EXPECT_EQ(udp.protocol, 17);
    EXPECT_EQ(udp.tcp_state, 0);
    EXPECT_FALSE(is_standing(udp)) << "one datagram, unanswered";
}

TEST(FlowMessages, WhatIsCutOffOrSomethingElseIsNoEntry) {
    const std::vector<std::byte> whole = from_hex(kTcpEntry);
    for (std::size_t length = netlink::kHeaderBytes; length < whole.size(); ++length) {
        EXPECT_FALSE(parse({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)})) << length;
    }
    std::vector<std::byte> other = whole;
    other[4] = std::byte{2};  // an entry that has gone
    EXPECT_FALSE(parse(other));
    std::vector<std::byte> without_tuple = whole;
    without_tuple[22] = std::byte{40};  // CTA_TUPLE_ORIG has become something unknown
    EXPECT_FALSE(parse(without_tuple));
}

TEST(FlowMessages, AConnectionStandsUntilBothEndsHaveClosedIt) {
    for (int state = TCP_CONNTRACK_NONE; state <= TCP_CONNTRACK_SYN_SENT2; ++state) {
        Flow flow = tcp_flow();
        flow.tcp_state = static_cast<std::uint8_t>(state);
        const bool over = state == TCP_CONNTRACK_LAST_ACK || state == TCP_CONNTRACK_TIME_WAIT;
        EXPECT_EQ(is_over(flow), over) << state;
        EXPECT_EQ(is_standing(flow), !over && state != TCP_CONNTRACK_CLOSE) << state;
        for (const std::uint32_t status :
             {0xaU, 0xcU}) {  // not assured; never answered: picked up in its middle
            flow.status = status;
            EXPECT_FALSE(is_over(flow)) << state;
            EXPECT_FALSE(is_standing(flow)) << state;
        }
    }
}

TEST(FlowMessages, OtherProtocolsStandAndAreNeverProof) {
    Flow udp = parse(from_hex(kUdpEntry)).value();
    udp.status = 0xe;
    EXPECT_TRUE(is_standing(udp));
    EXPECT_FALSE(is_over(udp));
}

TEST(FlowMessages, ARemovalNamesOneEntry) {
    netlink::MessageWriter writer;
    ASSERT_TRUE(append_removal(writer, tcp_flow(), 9, true));
    EXPECT_EQ(std::vector(writer.bytes().begin(), writer.bytes().end()),
              from_hex("50000000 0201 0500 09000000 00000000 02000000 34000180" + std::string(kTuple) +
                       "08000c00 79382bc0"));
    Flow zoned = tcp_flow();
    zoned.zone = from_hex("0007");
    writer.clear();
    ASSERT_TRUE(append_removal(writer, zoned, 9, false));
    EXPECT_EQ(std::vector(writer.bytes().begin(), writer.bytes().end()),
              from_hex("58000000 0201 0100 09000000 00000000 02000000 34000180" + std::string(kTuple) +
                       "08000c00 79382bc0 06001200 00070000"));
}

TEST(FlowMessages, ARemovalOfEverythingIsNeverWritten) {
    netlink::MessageWriter writer;
    EXPECT_FALSE(append_removal(writer, Flow(), 1, true));
    EXPECT_TRUE(writer.empty());
}

TEST(FlowMessages, TheKernelIsAskedToLookItself) {
    // conntrack -L -f ipv4
    EXPECT_EQ(question({}), from_hex("14000000 0101 0103 07000000 00000000 02000000"));
    // conntrack -L -f ipv4 -s 127.0.5.1
    EXPECT_EQ(question({.opened_by = loopback(5, 1)}),
              from_hex("38000000 0101 0103 07000000 00000000 02000000 10000180 0c000180 08000100 7f000501"
                       "14001980 08000100 01000000 08000200 00000000"));
    // conntrack -L -f ipv6 -u SEEN_REPLY,ASSURED
    EXPECT_EQ(question({.family = core::Family::ipv6, .only_assured = true}),
              from_hex("24000000 0101 0103 07000000 00000000 0a000000 08000300 00000006 08001a00 00000006"));
    // A kernel that knows no filter by tuple.
    EXPECT_EQ(question({.opened_by = loopback(5, 1), .by_tuple = false}), question({}));
}

}  // namespace
}  // namespace farewell::conntrack

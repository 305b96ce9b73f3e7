// SPDX-License-Identifier: GPL-2.0-or-later
// Against what Linux 6.18 said of sockets in a network namespace.
#include "host/listener_messages.hpp"

#include <gtest/gtest.h>

#include "core/decode.hpp"
#include "host/test_messages.hpp"

namespace farewell::host {
namespace {

using core::protocol::kTcp;
using core::protocol::kUdp;

constexpr std::size_t kBody = 16;

// TCP 198.18.7.2:2222
const Recorded& tcp4() {
    static const Recorded recorded(
        "58000000140002000100000000000000 020a0000 08ae0000 c6120702000000000000000000000000"
        "00000000000000000000000000000000 00000000 0300000000000000 00000000 00000000 80000000 00000000 "
        "29260300");
    return recorded;
}
// TCP [::]:443
const Recorded& tcp6() {
    static const Recorded recorded(
        "58000000140002000100000000000000 0a0a0000 01bb0000 00000000000000000000000000000000"
        "00000000000000000000000000000000 00000000 0400000000000000 00000000 00000000 80000000 00000000 "
        "2a260300");
    return recorded;
}
// UDP 0.0.0.0:51820
const Recorded& udp4() {
    static const Recorded recorded(
        "58000000140002000100000000000000 02070000 ca6c0000 00000000000000000000000000000000"
        "00000000000000000000000000000000 00000000 0500000000000000 00000000 00000000 00000000 00000000 "
        "2c260300");
    return recorded;
}

TEST(Listeners, AreReadFromBothFamilies) {
    EXPECT_EQ(parse_listener(tcp4().message(), kTcp), (core::Port{.protocol = kTcp, .number = 2222}));
    EXPECT_EQ(parse_listener(tcp6().message(), kTcp), (core::Port{.protocol = kTcp, .number = 443}));
    EXPECT_EQ(parse_listener(udp4().message(), kUdp), (core::Port{.protocol = kUdp, .number = 51820}));
}

TEST(Listeners, OfTheLoopbackAddressServeNobody) {
    EXPECT_FALSE(parse_listener(tcp4().with(kBody + 8, 127).message(), kTcp));
    EXPECT_FALSE(parse_listener(tcp6().with(kBody + 23, 1).message(), kTcp)) << "::1";
    const Recorded mapped = tcp6().with(kBody + 18, 0xff).with(kBody + 19, 0xff);
    EXPECT_FALSE(parse_listener(mapped.with(kBody + 20, 127).message(), kTcp)) << "::ffff:127.0.0.0";
    EXPECT_TRUE(parse_listener(mapped.with(kBody + 20, 10).message(), kTcp));
    EXPECT_TRUE(parse_listener(tcp6().with(kBody + 23, 2).message(), kTcp));
}

TEST(Listeners, WaitForStrangers) {
    EXPECT_FALSE(parse_listener(tcp4().with(kBody + 1, 1).message(), kTcp)) << "established";
    EXPECT_FALSE(parse_listener(udp4().with(kBody + 1, 1).message(), kUdp)) << "connected";
    EXPECT_FALSE(parse_listener(udp4().with(kBody + 7, 53).message(), kUdp)) << "with a far end";
    EXPECT_FALSE(parse_listener(udp4().with(kBody + 4, 0).with(kBody + 5, 0).message(), kUdp)) << "no port";
    EXPECT_FALSE(parse_listener(udp4().message(), kTcp)) << "a closed TCP socket";
}

TEST(Listeners, NothingElseIsRead) {
    EXPECT_FALSE(parse_listener(tcp4().with(4, 21).message(), kTcp));
    EXPECT_FALSE(parse_listener(tcp4().with(kBody, 1).message(), kTcp)) << "a unix socket";
    EXPECT_FALSE(parse_listener(tcp4().with(0, 0x57).message(), kTcp)) << "one byte short";
}

TEST(ListenerQuestions, AreAsSsWritesThem) {
    netlink::MessageWriter writer;
    append_listener_question(writer, core::Family::ipv4, kTcp, 9);  // ss -4tln
    auto expected = from_hex("48000000140001030900000000000000 02060000 00040000");
    expected.resize(72);
    EXPECT_TRUE(std::ranges::equal(writer.bytes(), expected));
    writer.clear();
    append_listener_question(writer, core::Family::ipv6, kUdp, 10);  // ss -6uln
    expected = from_hex("48000000140001030a00000000000000 0a110000 80000000");
    expected.resize(72);
    EXPECT_TRUE(std::ranges::equal(writer.bytes(), expected));
}

}  // namespace
}  // namespace farewell::host

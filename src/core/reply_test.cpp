// SPDX-License-Identifier: GPL-2.0-or-later
// Each protocol's answer, and the question most like it.
#include "core/reply.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "packet_builder.hpp"

namespace farewell::core {
namespace {

using test::bytes;
using test::Bytes;
using test::Ipv4;

constexpr std::uint16_t kChosenByClient = 2000;  // outside the ephemeral range: only its content tells
constexpr std::uint16_t kEphemeral = 40001;

bool replies(std::uint16_t from, const Bytes& payload, std::uint16_t to = kChosenByClient) {
    const Bytes packet =
        build(Ipv4{.protocol = protocol::kUdp, .payload = test::build_udp(from, to, payload)});
    const auto decoded = decode(packet, packet.size());
    EXPECT_TRUE(decoded);
    return is_reply(*decoded, Knowledge());
}

Bytes with(std::size_t size, std::initializer_list<std::pair<std::size_t, unsigned>> set) {
    Bytes payload(size);
    for (const auto& [at, value] : set) {
        payload[at] = static_cast<std::byte>(value);
    }
    return payload;
}

Bytes text(std::string_view letters) {
    Bytes payload;
    for (const char letter : letters) {
        payload.push_back(static_cast<std::byte>(letter));
    }
    return payload;
}

TEST(Reply, Names) {
    for (const std::uint16_t port :
         {std::uint16_t{53}, std::uint16_t{137}, std::uint16_t{5353}, std::uint16_t{5355}}) {
        EXPECT_TRUE(replies(port, with(12, {{2, 0x80}}))) << port;
        EXPECT_FALSE(replies(port, with(12, {{2, 0x01}}))) << port;
        EXPECT_FALSE(replies(port, with(11, {{2, 0x80}}))) << port << ": too short for a header";
    }
}

TEST(Reply, Time) {
    EXPECT_TRUE(replies(123, with(48, {{0, 0x24}}))) << "a server's";
    EXPECT_TRUE(replies(123, with(48, {{0, 0x22}})));
    EXPECT_TRUE(replies(123, with(48, {{0, 0x25}})));
    EXPECT_FALSE(replies(123, with(48, {{0, 0x23}}))) << "a client's";
    EXPECT_TRUE(replies(123, with(12, {{0, 0x26}, {1, 0x82}})));
    EXPECT_FALSE(replies(123, with(12, {{0, 0x26}, {1, 0x02}})));
    EXPECT_FALSE(replies(123, with(11, {{0, 0x24}})));
}

TEST(Reply, QuicAndDtls) {
    EXPECT_TRUE(replies(443, bytes({0x41})));
    EXPECT_TRUE(replies(443, bytes({0xc1})));
    EXPECT_TRUE(replies(853, bytes({22})));
    EXPECT_FALSE(replies(443, bytes({0x01})));
    EXPECT_FALSE(replies(443, bytes({27})));
    EXPECT_FALSE(replies(443, {}));
}

TEST(Reply, Stun) {
    EXPECT_TRUE(replies(3478, with(20, {{0, 1}, {1, 1}})));
    EXPECT_TRUE(replies(3478, with(20, {{0, 1}, {1, 0x11}})));
    EXPECT_FALSE(replies(3478, with(20, {{1, 1}}))) << "a binding request";
    EXPECT_TRUE(replies(3478, bytes({0x40, 0, 0, 0}))) << "channel data";
    EXPECT_FALSE(replies(3478, bytes({0x3f})));
}

TEST(Reply, KeyExchange) {
    EXPECT_TRUE(replies(500, with(28, {{19, 0x20}})));
    EXPECT_FALSE(replies(500, with(28, {{19, 0x08}})));
    EXPECT_FALSE(replies(500, with(27, {{19, 0x20}})));
    EXPECT_TRUE(replies(4500, with(32, {{23, 0x20}})));
    EXPECT_FALSE(replies(4500, with(32, {{23, 0x08}})));
    EXPECT_TRUE(replies(4500, with(40, {{0, 1}}))) << "ESP";
    EXPECT_FALSE(replies(4500, with(8, {{0, 1}})));
    EXPECT_FALSE(replies(4500, with(4, {})));
}

TEST(Reply, Management) {
    EXPECT_TRUE(replies(161, bytes({0x30, 12, 2, 1, 1, 4, 3, 'p', 'u', 'b', 0xa2, 0})));
    EXPECT_TRUE(replies(161, bytes({0x30, 0x81, 12, 2, 1, 1, 4, 3, 'p', 'u', 'b', 0xa8, 0})));
    EXPECT_FALSE(replies(161, bytes({0x30, 12, 2, 1, 1, 4, 3, 'p', 'u', 'b', 0xa0, 0}))) << "a request";
    EXPECT_FALSE(replies(161, bytes({0x30, 12, 2, 1, 1, 4})));
    EXPECT_FALSE(replies(161, bytes({0x31})));
}

TEST(Reply, Discovery) {
    EXPECT_TRUE(replies(1900, text("HTTP/1.1 200 OK")));
    EXPECT_FALSE(replies(1900, text("M-SEARCH * HTTP/1.1")));
    EXPECT_FALSE(replies(1900, text("HTT")));
    EXPECT_TRUE(replies(3702, text("<?xml")));
    EXPECT_FALSE(replies(3702, bytes({0})));
}

TEST(Reply, WhatWellKnownPortsSayToClientsPortsIsAnAnswer) {
    EXPECT_TRUE(replies(88, bytes({1, 2, 3}), kEphemeral));
    EXPECT_FALSE(replies(88, bytes({1, 2, 3}), kChosenByClient));
    EXPECT_FALSE(replies(88, {}, kEphemeral)) << "a scanner's is empty";
    EXPECT_FALSE(replies(1024, bytes({1, 2, 3}), kEphemeral));
}

TEST(Reply, NobodyAsksFromAWellKnownPort) {
    EXPECT_FALSE(replies(53, with(12, {{2, 0x80}}), 1023));
    EXPECT_TRUE(replies(53, with(12, {{2, 0x80}}), 1024));
}

}  // namespace
}  // namespace farewell::core

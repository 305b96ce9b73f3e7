// SPDX-License-Identifier: GPL-2.0-or-later
// Packets as each tool makes them, and as ordinary stacks make the ones most like them.
#include "core/fingerprint.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "packet_builder.hpp"

namespace farewell::core {
namespace {

using test::bytes;
using test::Bytes;
using test::Ipv4;
using test::Ipv6;
using test::Tcp;

Tool tool_in(const Bytes& packet) {
    const auto decoded = decode(packet, packet.size());
    EXPECT_TRUE(decoded);
    return tool_of(*decoded);
}

const Bytes& segment_size() {
    static const Bytes options = bytes({2, 4, 5, 180});
    return options;
}

/// MSS, SACK permitted, timestamps, no-operation, window scale.
const Bytes& linux_options() {
    static const Bytes options = bytes({2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7});
    return options;
}

Tool syn(std::uint16_t window, const Bytes& options, std::uint16_t fragment = 0, std::uint16_t id = 7) {
    return tool_in(build(
        Ipv4{.fragment = fragment, .id = id, .payload = build(Tcp{.window = window, .options = options})}));
}

TEST(Fingerprint, Nmap) {
    for (const std::uint16_t window :
         {std::uint16_t{1024}, std::uint16_t{2048}, std::uint16_t{3072}, std::uint16_t{4096}}) {
        EXPECT_EQ(syn(window, segment_size()), Tool::nmap);
    }
    EXPECT_EQ(syn(1024, bytes({3, 4, 5, 180})), Tool::none) << "another option of that length";
    EXPECT_EQ(syn(1024, bytes({2, 3, 5, 180})), Tool::none) << "a segment size of a wrong length";
    EXPECT_EQ(syn(5744, segment_size()), Tool::none) << "a small device's stack";
    EXPECT_EQ(syn(1024, segment_size(), 0x4000), Tool::none) << "no tool of these sets DF";
    EXPECT_EQ(syn(1024, linux_options()), Tool::none);
    EXPECT_EQ(tool_in(build(Ipv6{.payload = build(Tcp{.window = 1024, .options = segment_size()})})),
              Tool::nmap);
    for (const std::uint8_t flags : {std::uint8_t{0x00}, std::uint8_t{0x01}, std::uint8_t{0x29},
                                     std::uint8_t{0x10}, std::uint8_t{0x11}}) {
        EXPECT_EQ(tool_in(build(Ipv4{.payload = build(Tcp{.flags = flags, .window = 1024})})), Tool::nmap);
        EXPECT_EQ(tool_in(build(Ipv4{.payload = build(Tcp{.flags = flags, .window = 1023})})), Tool::none);
    }
    EXPECT_EQ(
        tool_in(build(Ipv4{.payload = build(Tcp{.flags = 0x10, .window = 1024, .options = Bytes(12)})})),
        Tool::none)
        << "timestamps: a connection's";
    EXPECT_EQ(tool_in(build(Ipv4{.payload = build(Tcp{.flags = 0x18, .window = 1024, .payload = Bytes(3)})})),
              Tool::none)
        << "data";
}

TEST(Fingerprint, ModernZmapHasEveryOptionAtItsPlace) {
    EXPECT_EQ(syn(65535, linux_options()), Tool::zmap_modern);
    for (const std::size_t place : {0U, 4U, 6U, 13U, 16U, 17U}) {
        Bytes other = linux_options();
        other[place] = std::byte{99};
        EXPECT_EQ(syn(65535, other), Tool::none) << place;
    }
    EXPECT_EQ(tool_in(build(Ipv6{.payload = build(Tcp{.window = 65535, .options = linux_options()})})),
              Tool::none)
        << "zmap knows no IPv6";
}

TEST(Fingerprint, Masscan) {
    // To 198.18.0.2:80 with this sequence number: 0x0002 ^ 0x0050 ^ 0x4321.
    const auto masscan = [](std::uint16_t id) {
        return tool_in(
            build(Ipv4{.id = id, .payload = build(Tcp{.sequence = 0x87654321U, .options = segment_size()})}));
    };
    EXPECT_EQ(masscan(0x0002 ^ 0x0050 ^ 0x4321), Tool::masscan);
    EXPECT_EQ(masscan(0x0003 ^ 0x0050 ^ 0x4321), Tool::nmap) << "alike but for the id";
}

TEST(Fingerprint, Zmap) {
    EXPECT_EQ(syn(65535, {}, 0, 54321), Tool::zmap);
    EXPECT_EQ(syn(65535, {}, 0, 54322), Tool::raw);
    EXPECT_EQ(syn(65535, linux_options()), Tool::zmap_modern);
    EXPECT_EQ(syn(65535, linux_options(), 0x4000), Tool::none) << "an Android phone";
    Bytes with_echo = linux_options();
    with_echo[15] = std::byte{1};
    EXPECT_EQ(syn(65535, with_echo), Tool::none);
    EXPECT_FALSE(is_raw_stack(Tool::zmap_modern));
}

TEST(Fingerprint, Hping3AndOthersWithoutOptions) {
    EXPECT_EQ(syn(512, {}), Tool::hping3);
    EXPECT_EQ(syn(8192, {}), Tool::raw);
    EXPECT_EQ(tool_in(build(Ipv4{.payload = build(Tcp{.flags = 0, .window = 512})})), Tool::hping3);
}

TEST(Fingerprint, Mirai) {
    const auto with_sequence = [](std::uint32_t sequence) {
        return tool_in(build(
            Ipv4{.payload = build(Tcp{.window = 9000, .sequence = sequence, .options = linux_options()})}));
    };
    EXPECT_EQ(with_sequence(198U << 24U | 18U << 16U | 2U), Tool::mirai);
    EXPECT_EQ(with_sequence(198U << 24U | 18U << 16U | 3U), Tool::none);
}

TEST(Fingerprint, OnlyWholeTcpHeadersTell) {
    EXPECT_EQ(tool_in(build(Ipv4{.protocol = 17, .payload = test::build_udp(1, 2)})), Tool::none);
    const Bytes segment = build(Tcp{});
    EXPECT_EQ(
        tool_in(build(Ipv4{.fragment = 0x2000, .payload = Bytes(segment.begin(), segment.begin() + 8)})),
        Tool::none);
    EXPECT_EQ(tool_in(build(Ipv4{.payload = build(Tcp{.flags = 0x12, .window = 512})})), Tool::hping3)
        << "an answer by hping3's window; the rules disregard it before anybody asks";
}

TEST(Fingerprint, EveryToolHasAName) {
    std::set<std::string> names;
    for (std::uint8_t tool = 0; tool < kTools; ++tool) {
        names.emplace(name_of(static_cast<Tool>(tool)));
    }
    EXPECT_EQ(names.size(), kTools);
}

}  // namespace
}  // namespace farewell::core

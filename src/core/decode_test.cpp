// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/decode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "packet_builder.hpp"

namespace farewell::core {
namespace {

using test::Bytes;
using test::Ipv4;
using test::Ipv6;
using test::Tcp;
using test::operator+;
using Octets = std::initializer_list<std::uint8_t>;

std::expected<Packet, DecodeError> decode_whole(const Bytes& packet) {
    return decode(packet, packet.size());
}

Bytes ipv6_over(std::uint8_t first, const Bytes& payload) {
    return build(Ipv6{.next_header = first, .payload = payload});
}

TEST(Decode, Ipv4Tcp) {
    const auto packet = decode_whole(build(Ipv4{.ttl = 51,
                                                .payload = build(Tcp{.source_port = 4242,
                                                                     .destination_port = 8080,
                                                                     .flags = 0x12,
                                                                     .window = 512,
                                                                     .options = test::bytes({2, 4, 5, 180}),
                                                                     .payload = test::bytes({1, 2, 3})})}));
    ASSERT_TRUE(packet);
    const std::array source{std::byte{198}, std::byte{18}, std::byte{0}, std::byte{1}};
    const std::array destination{std::byte{198}, std::byte{18}, std::byte{0}, std::byte{2}};
    EXPECT_EQ(packet->source, Address::ipv4(source));
    EXPECT_EQ(packet->destination, Address::ipv4(destination));
    EXPECT_EQ(packet->protocol, protocol::kTcp);
    EXPECT_EQ(packet->ttl, 51);
    EXPECT_EQ(packet->fragment, Fragment::whole);
    EXPECT_TRUE(packet->has_ports);
    EXPECT_EQ(packet->source_port, 4242);
    EXPECT_EQ(packet->destination_port, 8080);
    EXPECT_EQ(packet->tcp_flags, 0x12);
    EXPECT_EQ(packet->tcp_window, 512);
    EXPECT_EQ(packet->tcp_options.size(), 4U);
    EXPECT_EQ(packet->payload.size(), 3U);
}

TEST(Decode, Ipv4OptionsAreSkipped) {
    const auto packet =
        decode_whole(build(Ipv4{.options = Bytes(40), .payload = build(Tcp{.destination_port = 23})}));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->destination_port, 23);
}

TEST(Decode, UdpAndSctpAndOthers) {
    const auto udp =
        decode_whole(build(Ipv4{.protocol = 17, .payload = test::build_udp(53, 33000, Bytes(5))}));
    ASSERT_TRUE(udp);
    EXPECT_EQ(udp->source_port, 53);
    EXPECT_EQ(udp->destination_port, 33000);
    EXPECT_EQ(udp->payload.size(), 5U);
    const auto sctp = decode_whole(build(Ipv4{.protocol = 132, .payload = test::build_sctp(1, 5060, 6)}));
    ASSERT_TRUE(sctp);
    EXPECT_EQ(sctp->destination_port, 5060);
    EXPECT_TRUE(sctp->has_sctp_chunk);
    EXPECT_EQ(sctp->sctp_chunk, 6);
    const auto gre = decode_whole(build(Ipv4{.protocol = 47}));
    ASSERT_TRUE(gre);
    EXPECT_EQ(gre->protocol, 47);
    EXPECT_FALSE(gre->has_ports);
}

TEST(Decode, EveryExtensionHeaderAlone) {
    const Bytes tcp = build(Tcp{.destination_port = 22});
    for (const std::uint8_t header : Octets{0, 43, 60, 135, 139, 140}) {
        for (const std::uint8_t units : Octets{0, 1, 5}) {
            const auto packet = decode_whole(ipv6_over(header, test::extension(6, units) + tcp));
            ASSERT_TRUE(packet) << int{header};
            EXPECT_EQ(packet->protocol, protocol::kTcp);
            EXPECT_EQ(packet->destination_port, 22) << int{header};
        }
    }
    const auto authenticated = decode_whole(ipv6_over(51, test::authentication_header(6) + tcp));
    ASSERT_TRUE(authenticated);
    EXPECT_EQ(authenticated->destination_port, 22);
}

TEST(Decode, ExtensionHeadersInEveryOrder) {
    std::vector<std::uint8_t> order{0, 43, 51, 60, 135};
    do {
        Bytes chain;
        for (std::size_t i = 0; i < order.size(); ++i) {
            const std::uint8_t next = i + 1 < order.size() ? order[i + 1] : std::uint8_t{17};
            chain = chain + (order[i] == 51 ? test::authentication_header(next) : test::extension(next));
        }
        const auto packet = decode_whole(ipv6_over(order.front(), chain + test::build_udp(1, 161)));
        ASSERT_TRUE(packet);
        EXPECT_EQ(packet->destination_port, 161);
    } while (std::ranges::next_permutation(order).found);
}

TEST(Decode, AsManyExtensionHeadersAsAllowedAndNotOneMore) {
    const auto chain_of = [](std::size_t count) {
        Bytes chain;
        for (std::size_t i = 0; i < count; ++i) {
            chain = chain + test::extension(i + 1 < count ? 60 : 6);
        }
        return ipv6_over(60, chain + build(Tcp{}));
    };
    EXPECT_TRUE(decode_whole(chain_of(kMaxExtensionHeaders)));
    EXPECT_EQ(decode_whole(chain_of(kMaxExtensionHeaders + 1)).error(), DecodeError::too_many_extensions);
}

TEST(Decode, EspAndNoNextHeaderEndTheChain) {
    for (const std::uint8_t last : Octets{50, 59}) {
        const auto packet = decode_whole(ipv6_over(60, test::extension(last) + Bytes(8)));
        ASSERT_TRUE(packet);
        EXPECT_EQ(packet->protocol, last);
        EXPECT_FALSE(packet->has_ports);
    }
}

TEST(Decode, Fragments) {
    const Bytes tcp = build(Tcp{.destination_port = 22});
    const auto first4 = decode_whole(build(Ipv4{.fragment = 0x2000, .payload = tcp}));
    ASSERT_TRUE(first4);
    EXPECT_EQ(first4->fragment, Fragment::first);
    EXPECT_EQ(first4->destination_port, 22);
    const auto later4 = decode_whole(build(Ipv4{.fragment = 0x2001, .payload = tcp}));
    ASSERT_TRUE(later4);
    EXPECT_EQ(later4->fragment, Fragment::later);
    EXPECT_FALSE(later4->has_ports);
    const auto atomic = decode_whole(ipv6_over(44, test::fragment_header(6, 0) + tcp));
    ASSERT_TRUE(atomic);
    EXPECT_EQ(atomic->fragment, Fragment::whole);
    EXPECT_EQ(atomic->destination_port, 22);
    const auto later6 = decode_whole(ipv6_over(44, test::fragment_header(6, 8) + tcp));
    ASSERT_TRUE(later6);
    EXPECT_EQ(later6->fragment, Fragment::later);
    EXPECT_FALSE(later6->has_ports);
    // A first fragment that ends within the options of its SYN still shows that it is one.
    const Bytes with_options = build(Tcp{.destination_port = 22, .options = Bytes(20)});
    const auto short_first = decode_whole(
        build(Ipv4{.fragment = 0x2000, .payload = Bytes(with_options.begin(), with_options.begin() + 24)}));
    ASSERT_TRUE(short_first);
    EXPECT_EQ(short_first->destination_port, 22);
    EXPECT_EQ(short_first->tcp_flags, 2);
}

TEST(Decode, AFirstFragmentThatEndsInsideItsHeaderStillNamesItsPorts) {
    // As nmap -f sends them: eight bytes each.
    const Bytes tcp = build(Tcp{.destination_port = 22});
    const auto cut = [](const Bytes& bytes, std::ptrdiff_t length) {
        return Bytes(bytes.begin(), bytes.begin() + length);
    };
    const auto tiny = decode_whole(build(Ipv4{.fragment = 0x2000, .payload = cut(tcp, 8)}));
    ASSERT_TRUE(tiny);
    EXPECT_TRUE(tiny->has_ports);
    EXPECT_FALSE(tiny->has_whole_header);
    EXPECT_EQ(tiny->destination_port, 22);
    const auto tiny6 = decode_whole(ipv6_over(44, test::fragment_header(6, 1) + cut(tcp, 16)));
    ASSERT_TRUE(tiny6);
    EXPECT_FALSE(tiny6->has_whole_header);
    const Bytes udp = test::build_udp(1, 7);
    EXPECT_EQ(decode_whole(build(Ipv4{.protocol = 17, .fragment = 0x2000, .payload = cut(udp, 4)}))
                  ->destination_port,
              7);
    const Bytes sctp = test::build_sctp(1, 9, 1);
    EXPECT_EQ(decode_whole(build(Ipv4{.protocol = 132, .fragment = 0x2000, .payload = cut(sctp, 8)}))
                  ->destination_port,
              9);
    // Without the ports it is just too short, and so is whatever is no fragment.
    EXPECT_EQ(decode_whole(build(Ipv4{.fragment = 0x2000, .payload = cut(tcp, 3)})).error(),
              DecodeError::truncated);
    EXPECT_EQ(decode_whole(build(Ipv4{.payload = cut(tcp, 8)})).error(), DecodeError::truncated);
    // One that the copy range has cut may be whole.
    const Bytes first = build(Ipv4{.fragment = 0x2000, .payload = tcp});
    EXPECT_EQ(decode(cut(first, 28), first.size()).error(), DecodeError::cut_short);
}

TEST(Decode, WhatFingerprintsAreMadeOf) {
    const auto packet = decode_whole(
        build(Ipv4{.fragment = 0x4000, .id = 54321, .payload = build(Tcp{.sequence = 0xfedcba98U})}));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->ipv4_id, 54321);
    EXPECT_TRUE(packet->dont_fragment);
    EXPECT_EQ(packet->tcp_sequence, 0xfedcba98U);
    EXPECT_TRUE(packet->has_whole_header);
}

TEST(Decode, ThePayloadsLengthIsTheOneBeforeTheCopyWasCut) {
    const Bytes whole = build(Ipv4{.protocol = 17, .payload = test::build_udp(1, 2, Bytes(100))});
    const auto packet = decode(Bytes(whole.begin(), whole.begin() + 40), whole.size());
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->payload.size(), 12U);
    EXPECT_EQ(packet->payload_length, 100U);
}

TEST(Decode, DontFragmentIsNoFragment) {
    EXPECT_EQ(decode_whole(build(Ipv4{.fragment = 0x4000, .payload = build(Tcp{})}))->fragment,
              Fragment::whole);
}

TEST(Decode, TheVersionAloneDecides) {
    // Read as IPv4, the bytes of this source would be 198.18.0.50: an address of the sender's choosing.
    const auto packet = decode_whole(
        build(Ipv6{.source = {0xfd, 0x06, 0x0d, 0xb8, 0xc6, 0x12, 0, 0x32, 0, 0, 0, 0, 0, 0, 0, 1},
                   .payload = build(Tcp{})}));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->source.family(), Family::ipv6);
    for (const unsigned version : {0U, 1U, 5U, 7U, 15U}) {
        Bytes other = build(Ipv4{.payload = build(Tcp{})});
        other[0] = static_cast<std::byte>(version << 4U | 5U);
        EXPECT_EQ(decode_whole(other).error(), DecodeError::not_ip) << version;
    }
    EXPECT_EQ(decode({}, 0).error(), DecodeError::empty);
}

TEST(Decode, LengthsThatCannotBe) {
    Bytes short_header = build(Ipv4{.payload = build(Tcp{})});
    short_header[0] = std::byte{0x44};
    EXPECT_EQ(decode_whole(short_header).error(), DecodeError::bad_header_length);
    Bytes short_total = build(Ipv4{.payload = build(Tcp{})});
    short_total[3] = std::byte{19};
    EXPECT_EQ(decode_whole(short_total).error(), DecodeError::bad_total_length);
    Bytes short_offset = build(Tcp{});
    short_offset[12] = std::byte{0x40};
    EXPECT_EQ(decode_whole(build(Ipv4{.payload = short_offset})).error(), DecodeError::bad_header_length);
    Bytes long_offset = build(Tcp{});
    long_offset[12] = std::byte{0xf0};
    EXPECT_EQ(decode_whole(build(Ipv4{.payload = long_offset})).error(), DecodeError::bad_header_length);
}

TEST(Decode, PaddingBeyondTheTotalLengthIsNotPacket) {
    const auto four = decode_whole(build(Ipv4{.protocol = 17, .payload = test::build_udp(1, 2)}) + Bytes(20));
    ASSERT_TRUE(four);
    EXPECT_TRUE(four->payload.empty());
    const auto six = decode_whole(ipv6_over(17, test::build_udp(1, 2)) + Bytes(20));
    ASSERT_TRUE(six);
    EXPECT_TRUE(six->payload.empty());
    // A TCP header that would begin in the packet and end in the padding is truncated.
    Bytes cut = build(Ipv4{.payload = Bytes(10)}) + Bytes(30);
    EXPECT_EQ(decode_whole(cut).error(), DecodeError::truncated);
}

std::vector<Bytes> all_kinds() {
    const Bytes tcp = build(Tcp{.options = Bytes(12), .payload = Bytes(7)});
    std::vector<Bytes> packets{
        build(Ipv4{.payload = tcp}),
        build(Ipv4{.options = Bytes(8), .payload = tcp}),
        build(Ipv4{.protocol = 17, .payload = test::build_udp(1, 2, Bytes(9))}),
        build(Ipv4{.protocol = 132, .payload = test::build_sctp(1, 2, 1)}),
        ipv6_over(6, tcp),
        ipv6_over(0, test::extension(60, 1) + test::extension(6, 2) + tcp),
        ipv6_over(51, test::authentication_header(17) + test::build_udp(1, 2, Bytes(3))),
        ipv6_over(44, test::fragment_header(6, 1) + tcp),
    };
    return packets;
}

TEST(Decode, ACopyCutShortIsToldFromATruncatedPacket) {
    for (const Bytes& packet : all_kinds()) {
        const auto whole = decode_whole(packet);
        ASSERT_TRUE(whole);
        for (std::size_t length = 0; length < packet.size(); ++length) {
            // A heap copy of exactly that length: the sanitizer sees any read beyond it.
            const Bytes part(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
            const auto cut = decode(part, packet.size());
            const auto truncated = decode_whole(part);
            if (length == 0) {
                EXPECT_EQ(cut.error(), DecodeError::empty);
                continue;
            }
            ASSERT_FALSE(truncated) << length;
            EXPECT_EQ(truncated.error(), DecodeError::truncated) << length;
            if (cut) {
                EXPECT_EQ(cut->destination_port, whole->destination_port) << length;
                EXPECT_EQ(cut->source, whole->source);
            } else {
                EXPECT_EQ(cut.error(), DecodeError::cut_short) << length;
            }
        }
    }
}

TEST(Decode, JumbogramsHaveTheKernelsLength) {
    Bytes jumbo = ipv6_over(0, test::extension(6) + build(Tcp{.destination_port = 99}));
    jumbo[4] = jumbo[5] = std::byte{0};
    EXPECT_EQ(decode_whole(jumbo)->destination_port, 99);
    // Without hop-by-hop options it is no jumbogram: what follows is the link's padding.
    Bytes empty = ipv6_over(6, build(Tcp{.destination_port = 99}));
    empty[4] = empty[5] = std::byte{0};
    EXPECT_EQ(decode_whole(empty).error(), DecodeError::truncated);
}

TEST(Decode, ErrorsHaveNames) {
    for (std::size_t error = 0; error < kDecodeErrors; ++error) {
        EXPECT_NE(name_of(static_cast<DecodeError>(error)), "unknown");
    }
}

}  // namespace
}  // namespace farewell::core

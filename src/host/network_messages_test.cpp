// SPDX-License-Identifier: GPL-2.0-or-later
// Against what Linux 6.18 said in a network namespace; the command that made it so stands above.
#include "host/network_messages.hpp"

#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/test_messages.hpp"

namespace farewell::host {
namespace {

constexpr std::size_t kType = 4;         // of the message, by its first byte
constexpr std::size_t kAttributes = 28;  // of a route

// ip address add 198.18.7.2/24 broadcast + dev d0
const Recorded& address4() {
    static const Recorded recorded(
        "54000000140002000100000000000000 0218800003000000 08000100c6120702 08000200c6120702 08000400c61207ff"
        "0700030064300000 0800080080000000 14000600ffffffffffffffffc4ce0500c4ce0500");
    return recorded;
}
// ip address add 198.18.9.1 peer 198.18.9.2/32 dev d0
const Recorded& point_to_point() {
    static const Recorded recorded(
        "4c000000140002000100000000000000 0220800003000000 08000100c6120902 08000200c6120901 0700030064300000"
        "0800080080000000 14000600ffffffffffffffffccce0500ccce0500");
    return recorded;
}
// ip address add 2001:db8::2/64 dev d0 nodad
const Recorded& address6() {
    static const Recorded recorded(
        "48000000140002000100000000000000 0a40820003000000 1400010020010db8000000000000000000000002"
        "14000600ffffffffffffffffc6ce0500c6ce0500 0800080082000000");
    return recorded;
}
// ip route add default via 198.18.7.1
const Recorded& default4() {
    static const Recorded recorded(
        "34000000180002000100000000000000 02000000fe03000100000000 08000f00fe000000 08000500c6120701"
        "0800040003000000");
    return recorded;
}
// ip route add 0.0.0.0/1 nexthop via 198.18.7.3 nexthop via 198.18.7.4
const Recorded& half_by_two() {
    static const Recorded recorded(
        "50000000180002000100000000000000 02010000fe03000100000000 08000f00fe000000 0800010000000000"
        "24000900 1000000003000000 08000500c6120703 1000000003000000 08000500c6120704");
    return recorded;
}
// ip route add 198.19.0.0/16 via 198.18.7.9
const Recorded& elsewhere() {
    static const Recorded recorded(
        "3c000000180002000100000000000000 02100000fe03000100000000 08000f00fe000000 08000100c6130000"
        "08000500c6120709 0800040003000000");
    return recorded;
}
// What the kernel made of the address: 198.18.7.0/24, and its broadcast address.
const Recorded& connected4() {
    static const Recorded recorded(
        "3c000000180002000100000000000000 02180000fe02fd0100000000 08000f00fe000000 08000100c6120700"
        "08000700c6120702 0800040003000000");
    return recorded;
}
const Recorded& broadcast() {
    static const Recorded recorded(
        "3c000000180002000100000000000000 02200000ff02fd0300000000 08000f00ff000000 08000100c61207ff"
        "08000700c6120702 0800040003000000");
    return recorded;
}
// ip route add default via fe80::1 dev d0 metric 50
const Recorded& default6() {
    static const Recorded recorded(
        "74000000180002000100000000000000 0a000000fe03000100000000 08000f00fe000000 0800060032000000"
        "14000500fe800000000000000000000000000001 0800040003000000"
        "24000c0000000000000000000000000000000000000000000000000000000000 00000000 0500140000000000");
    return recorded;
}

TEST(Addresses, AreRead) {
    const auto four = parse_address(address4().message());
    ASSERT_TRUE(four);
    EXPECT_EQ(four->own, address("198.18.7.2"));
    EXPECT_EQ(four->network, prefix("198.18.7.0/24"));
    const auto six = parse_address(address6().message());
    ASSERT_TRUE(six);
    EXPECT_EQ(six->own, address("2001:db8::2"));
    EXPECT_EQ(six->network, prefix("2001:db8::/64"));
}

TEST(Addresses, TheFarEndOfALinkIsNotOurs) {
    const auto link = parse_address(point_to_point().message());
    ASSERT_TRUE(link);
    EXPECT_EQ(link->own, address("198.18.9.1"));
    EXPECT_EQ(link->network, prefix("198.18.9.2"));
}

TEST(Addresses, OnlyNewOnesOfTheInternet) {
    EXPECT_FALSE(parse_address(address4().with(kType, RTM_DELADDR).message()));
    EXPECT_FALSE(parse_address(address4().with(16, AF_PACKET).message()));
    EXPECT_FALSE(parse_address(address4().with(17, 33).message())) << "no such prefix length";
    EXPECT_FALSE(parse_address(default4().message()));
}

TEST(Routes, ToEverythingHaveGateways) {
    const auto four = parse_route(default4().message());
    ASSERT_TRUE(four);
    EXPECT_EQ(four->kind, RouteKind::outwards);
    EXPECT_EQ(four->gateways, std::vector{address("198.18.7.1")});
    const auto six = parse_route(default6().message());
    ASSERT_TRUE(six);
    EXPECT_EQ(six->kind, RouteKind::outwards);
    EXPECT_EQ(six->gateways, std::vector{address("fe80::1")});
    EXPECT_EQ(six->destination.address.family(), core::Family::ipv6);
}

TEST(Routes, AllNextHopsCount) {
    const auto route = parse_route(half_by_two().message());
    ASSERT_TRUE(route);
    EXPECT_EQ(route->kind, RouteKind::outwards);
    EXPECT_EQ(route->gateways, (std::vector{address("198.18.7.3"), address("198.18.7.4")}));
}

TEST(Routes, ANextHopMayBeOfTheOtherFamily) {
    // ip route add default via inet6 fe80::1 dev d0: RTA_VIA
    const Recorded via(
        "3c000000180002000100000000000000 02000000fe03000100000000 08000f00fe000000"
        "16001200 0a00 fe800000000000000000000000000001 0000");
    EXPECT_EQ(parse_route(via.message()).value().gateways, std::vector{address("fe80::1")});
}

TEST(Routes, OfTheLinkAndBroadcast) {
    const auto connected = parse_route(connected4().message());
    ASSERT_TRUE(connected);
    EXPECT_EQ(connected->kind, RouteKind::connected);
    EXPECT_EQ(connected->destination, prefix("198.18.7.0/24"));
    const auto to_all = parse_route(broadcast().message());
    ASSERT_TRUE(to_all);
    EXPECT_EQ(to_all->kind, RouteKind::broadcast);
    EXPECT_EQ(to_all->destination.address, address("198.18.7.255"));
}

TEST(Routes, ATunnelIsNotTheLink) {
    EXPECT_EQ(parse_route(connected4().with(21, RTPROT_STATIC).message()).value().kind, RouteKind::other);
    EXPECT_EQ(parse_route(connected4().with(21, RTPROT_RA).message()).value().kind, RouteKind::connected);
}

TEST(Routes, OthersDoNotConcernUs) {
    EXPECT_EQ(parse_route(elsewhere().message()).value().kind, RouteKind::other);
    EXPECT_EQ(parse_route(default4().with(23, RTN_UNREACHABLE).message()).value().kind, RouteKind::other);
    EXPECT_EQ(parse_route(default6().with(25, 2).message()).value().kind, RouteKind::other) << "a cached one";
    EXPECT_FALSE(parse_route(default4().with(17, 33).message()));
    EXPECT_FALSE(parse_route(address4().message()));
}

TEST(Routes, NextHopsThatRunOverAreLeftOut) {
    // The first next hop claims to be longer than all of them.
    EXPECT_TRUE(parse_route(half_by_two().with(kAttributes + 20, 0xff).message()).value().gateways.empty());
    EXPECT_TRUE(parse_route(half_by_two().with(kAttributes + 20, 0).message()).value().gateways.empty());
}

TEST(Changes, OnlyThoseThatCanMatter) {
    EXPECT_TRUE(is_relevant_change(address4().message()));
    EXPECT_TRUE(is_relevant_change(address4().with(kType, RTM_DELADDR).message()));
    EXPECT_TRUE(is_relevant_change(default4().message()));
    EXPECT_TRUE(is_relevant_change(default4().with(kType, RTM_DELROUTE).message()));
    EXPECT_TRUE(is_relevant_change(netlink::Message{.type = RTM_DELLINK, .body = {}}));
    EXPECT_FALSE(is_relevant_change(elsewhere().message()));
    EXPECT_FALSE(is_relevant_change(netlink::Message{.type = RTM_NEWNEIGH, .body = {}}));
}

// What ip link add d0 type dummy has the kernel say, but for the dozens of attributes that nobody reads.
std::vector<std::byte> link_message(std::uint32_t index, std::string_view name) {
    netlink::MessageWriter writer;
    writer.begin(RTM_NEWLINK, 0, 0);
    writer.put_u32(AF_UNSPEC);
    writer.put_u32(index);
    writer.put_u32(0);  // flags
    writer.put_u32(0);  // and which of them changed
    writer.attribute_be32(IFLA_TXQLEN, 1000);
    writer.attribute(IFLA_IFNAME, std::as_bytes(std::span(name)));
    writer.end();
    return {writer.bytes().begin(), writer.bytes().end()};
}

std::optional<core::Knowledge::Interface> link_of(std::span<const std::byte> bytes) {
    netlink::MessageReader reader(bytes);
    const auto message = reader.next();
    EXPECT_TRUE(message);
    return parse_link(message.value_or(netlink::Message()));
}

TEST(Links, HaveAnIndexAndAName) {
    using namespace std::string_view_literals;
    const auto link = link_of(link_message(7, "d0\0"sv));
    ASSERT_TRUE(link);
    EXPECT_EQ(link->index, 7U);
    EXPECT_EQ(link->name, "d0");
    EXPECT_EQ(link_of(link_message(7, "not-ended"))->name, "not-ended");
    EXPECT_EQ(link_of(link_message(7, std::string(300, 'x')))->name.size(), std::size_t{IFNAMSIZ});
}

TEST(Links, WithoutEitherAreNone) {
    EXPECT_FALSE(link_of(link_message(7, "")));
    EXPECT_FALSE(link_of(link_message(0, "d0")));
    EXPECT_FALSE(parse_link(address4().message()));
    EXPECT_FALSE(parse_link(netlink::Message{.type = RTM_NEWLINK, .body = {}}));
}

TEST(NetworkQuestions, AreAsIpWritesThem) {
    netlink::MessageWriter writer;
    append_question(writer, NetworkQuestion::addresses, 7);  // ip address show
    EXPECT_TRUE(
        std::ranges::equal(writer.bytes(), from_hex("18000000160001030700000000000000 0000000000000000")));
    writer.clear();
    append_question(writer, NetworkQuestion::interfaces, 9);  // ip link show
    EXPECT_TRUE(std::ranges::equal(
        writer.bytes(), from_hex("20000000120001030900000000000000 00000000000000000000000000000000")));
    writer.clear();
    append_question(writer, NetworkQuestion::routes6, 8);  // ip -6 route show table all
    EXPECT_TRUE(std::ranges::equal(writer.bytes(),
                                   from_hex("1c0000001a0001030800000000000000 0a0000000000000000000000")));
}

TEST(NetworkQuestions, GroupsAreThoseOfTheKernel) {
    const auto bit = [](unsigned group) { return 1U << (group - 1); };
    EXPECT_EQ(kNetworkGroups, bit(RTNLGRP_LINK) | bit(RTNLGRP_IPV4_IFADDR) | bit(RTNLGRP_IPV4_ROUTE) |
                                  bit(RTNLGRP_IPV6_IFADDR) | bit(RTNLGRP_IPV6_ROUTE));
}

}  // namespace
}  // namespace farewell::host

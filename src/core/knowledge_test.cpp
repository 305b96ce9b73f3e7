// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/knowledge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <vector>

#include "core/decode.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using test::source;

Address ipv6(std::initializer_list<unsigned> first_bytes, unsigned last) {
    std::array<std::byte, 16> bytes{};
    std::size_t i = 0;
    for (const unsigned byte : first_bytes) {
        bytes[i++] = static_cast<std::byte>(byte);
    }
    bytes.back() = static_cast<std::byte>(last);
    return Address::ipv6(bytes);
}

Port tcp(std::uint16_t number) {
    return {.protocol = protocol::kTcp, .number = number};
}
Port udp(std::uint16_t number) {
    return {.protocol = protocol::kUdp, .number = number};
}

TEST(Knowledge, NothingIsKnownAtFirst) {
    const Knowledge nothing;
    EXPECT_FALSE(nothing.is_own(Address()));
    EXPECT_FALSE(nothing.is_protected(source(1)));
    EXPECT_FALSE(nothing.is_on_link(source(1)));
    EXPECT_FALSE(nothing.is_broadcast(source(255)));
    EXPECT_FALSE(nothing.is_served(tcp(22)));
    EXPECT_FALSE(nothing.is_ephemeral(32767));
    EXPECT_TRUE(nothing.is_ephemeral(32768));
    EXPECT_TRUE(nothing.is_ephemeral(60999));
    EXPECT_FALSE(nothing.is_ephemeral(61000));
}

TEST(Knowledge, ANetworkIsProtectedByWhoIsInIt) {
    const Knowledge known(Knowledge::Facts{.own_addresses = {source(1)},
                                           .gateways = {source(0x200)},
                                           .resolvers = {ipv6({0x20, 1, 0xd, 0xb8}, 0x53)}});
    EXPECT_EQ(known.protected_in(Prefix::of(source(77), 24)), source(1));
    EXPECT_EQ(known.protected_in(Prefix::of(source(0x2ff), 24)), source(0x200));
    EXPECT_EQ(known.protected_in(Prefix::of(source(0x300), 24)), std::nullopt);
    EXPECT_EQ(known.protected_in(Prefix::of(ipv6({0x20, 1, 0xd, 0xb8}, 1), 64)),
              ipv6({0x20, 1, 0xd, 0xb8}, 0x53));
    EXPECT_EQ(known.protected_in(Prefix::of(source(1))), source(1));
    EXPECT_EQ(known.protected_in(Prefix::of(source(2))), std::nullopt);
}

TEST(Knowledge, FactsDifferInAnyOfThem) {
    const Knowledge::Facts none;
    EXPECT_EQ(none, Knowledge::Facts());
    const auto differs = [&none](auto&& change) {
        Knowledge::Facts facts;
        change(facts);
        return facts != none;
    };
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.own_addresses = {source(1)}; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.on_link = {Prefix::of(source(1), 24)}; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.broadcasts = {source(1)}; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.gateways = {source(1)}; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.resolvers = {source(1)}; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.session_peers = {source(1)}; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.ephemeral_first = 1; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.ephemeral_last = 1; }));
    EXPECT_TRUE(differs([](Knowledge::Facts& facts) { facts.served = {tcp(22)}; }));
}

TEST(Knowledge, EveryRoleIsItsOwn) {
    const Knowledge known(Knowledge::Facts{.own_addresses = {source(1)},
                                           .broadcasts = {source(255)},
                                           .gateways = {source(2)},
                                           .resolvers = {source(3), source(2)},
                                           .session_peers = {source(5), source(3)}});
    EXPECT_TRUE(known.is_own(source(1)));
    EXPECT_FALSE(known.is_own(source(2)));
    EXPECT_TRUE(known.is_gateway(source(2)));
    EXPECT_FALSE(known.is_gateway(source(3)));
    EXPECT_TRUE(known.is_resolver(source(2))) << "a gateway may resolve as well";
    EXPECT_TRUE(known.is_resolver(source(3)));
    EXPECT_FALSE(known.is_resolver(source(1)));
    EXPECT_TRUE(known.is_broadcast(source(255)));
    EXPECT_TRUE(known.is_session_peer(source(3)));
    EXPECT_TRUE(known.is_session_peer(source(5)));
    EXPECT_FALSE(known.is_session_peer(source(2)));
    EXPECT_EQ(known.protected_as(source(5)), "logged-in peer");
    EXPECT_EQ(known.protected_in(Prefix::of(source(5))), source(5));
    for (const std::uint32_t number : {1U, 2U, 3U, 5U}) {
        EXPECT_TRUE(known.is_protected(source(number))) << number;
        EXPECT_FALSE(known.is_broadcast(source(number))) << number;
    }
    EXPECT_FALSE(known.is_protected(source(255)));
    EXPECT_FALSE(known.is_protected(source(4)));
}

TEST(Knowledge, SaysWhyAnAddressIsProtected) {
    const Knowledge known(Knowledge::Facts{.own_addresses = {source(1)},
                                           .gateways = {source(2)},
                                           .resolvers = {source(1), source(2), source(3)}});
    EXPECT_EQ(known.protected_as(source(1)), "own address");
    EXPECT_EQ(known.protected_as(source(2)), "gateway");
    EXPECT_EQ(known.protected_as(source(3)), "resolver");
    EXPECT_EQ(known.protected_as(source(4)), "");
}

TEST(Knowledge, WhatNoBanMayCover) {
    const Address six = ipv6({0xfe, 0x80}, 1);
    const Knowledge known(Knowledge::Facts{.own_addresses = {source(1)},
                                           .broadcasts = {source(255)},
                                           .gateways = {six},
                                           .resolvers = {source(3)}});
    const Prefix network{.address = source(0x010000), .length = 16};
    EXPECT_EQ(never_banned({network}, known), (std::vector<Prefix>{network,
                                                                   {.address = source(1), .length = 32},
                                                                   {.address = six, .length = 128},
                                                                   {.address = source(3), .length = 32}}));
    EXPECT_TRUE(never_banned({}, Knowledge()).empty());
}

TEST(Knowledge, AnOwnAddressIsNoBroadcast) {
    const Knowledge known(
        Knowledge::Facts{.own_addresses = {source(1)}, .broadcasts = {source(1), Address()}});
    EXPECT_FALSE(known.is_broadcast(source(1)));
    EXPECT_FALSE(known.is_broadcast(Address()));
}

TEST(Knowledge, NetworksOnTheLink) {
    const Knowledge known(
        Knowledge::Facts{.on_link = {{.address = source(0x010200), .length = 23},
                                     {.address = ipv6({0x20, 0x01, 0x0d, 0xb8}, 0), .length = 64},
                                     {.address = ipv6({0xfd}, 9), .length = 128}}});
    EXPECT_TRUE(known.is_on_link(source(0x010200)));
    EXPECT_TRUE(known.is_on_link(source(0x0103ff)));
    EXPECT_FALSE(known.is_on_link(source(0x010400)));
    EXPECT_FALSE(known.is_on_link(source(0x0101ff)));
    EXPECT_TRUE(known.is_on_link(ipv6({0x20, 0x01, 0x0d, 0xb8}, 7)));
    EXPECT_FALSE(known.is_on_link(ipv6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1}, 7)));
    EXPECT_TRUE(known.is_on_link(ipv6({0xfd}, 9)));
    EXPECT_FALSE(known.is_on_link(ipv6({0xfd}, 8)));
}

TEST(Knowledge, LinkLocalIsOnTheLinkByItself) {
    const Knowledge nothing;
    EXPECT_TRUE(nothing.is_on_link(ipv6({0xfe, 0x80}, 1)));
    EXPECT_TRUE(nothing.is_on_link(ipv6({0xfe, 0xbf}, 1)));
    EXPECT_FALSE(nothing.is_on_link(ipv6({0xfe, 0xc0}, 1)));
    EXPECT_FALSE(nothing.is_on_link(ipv6({0xff, 0x80}, 1)));
}

TEST(Knowledge, TheWholeInternetMayBeOnTheLink) {
    const Knowledge known(Knowledge::Facts{.on_link = {{.address = Address(), .length = 0}}});
    EXPECT_TRUE(known.is_on_link(source(5)));
    EXPECT_FALSE(known.is_on_link(ipv6({0x20}, 1))) << "of IPv4 only";
}

TEST(Knowledge, ServedPortsOfEveryProtocolApart) {
    const Port sctp{.protocol = protocol::kSctp, .number = 3868};
    const Knowledge known(Knowledge::Facts{.served = {sctp, tcp(22), udp(53), tcp(65535), tcp(0)}});
    EXPECT_TRUE(known.is_served(tcp(22)));
    EXPECT_FALSE(known.is_served(udp(22)));
    EXPECT_TRUE(known.is_served(udp(53)));
    EXPECT_FALSE(known.is_served(tcp(53)));
    EXPECT_TRUE(known.is_served(tcp(65535)));
    EXPECT_TRUE(known.is_served(tcp(0)));
    EXPECT_TRUE(known.is_served(sctp));
    EXPECT_FALSE(known.is_served({.protocol = protocol::kUdpLite, .number = 3868}));
}

TEST(Knowledge, EphemeralPortsAsConfigured) {
    const Knowledge known(Knowledge::Facts{.ephemeral_first = 10000, .ephemeral_last = 10009});
    EXPECT_FALSE(known.is_ephemeral(9999));
    EXPECT_TRUE(known.is_ephemeral(10000));
    EXPECT_TRUE(known.is_ephemeral(10009));
    EXPECT_FALSE(known.is_ephemeral(10010));
}

TEST(Knowledge, GivesItsFactsBack) {
    Knowledge::Facts facts{.own_addresses = {source(1)}, .served = {tcp(22)}};
    const Knowledge known(facts);
    EXPECT_EQ(known.facts(), facts);
    facts.served.push_back(tcp(80));
    EXPECT_NE(known.facts(), facts);
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/conversations.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "packet_builder.hpp"
#include "replay/firewall.hpp"

namespace farewell::replay {
namespace {

using core::Packet;
using namespace core::tcp_flag;

constexpr std::uint8_t kSynAck = kSyn | kAck;
constexpr std::uint8_t kRstAck = kRst | kAck;
const auto kClient =
    core::Address::ipv4(std::array{std::byte{198}, std::byte{18}, std::byte{0}, std::byte{1}});
const auto kServer =
    core::Address::ipv4(std::array{std::byte{198}, std::byte{18}, std::byte{0}, std::byte{2}});
const auto kOther =
    core::Address::ipv4(std::array{std::byte{198}, std::byte{18}, std::byte{0}, std::byte{3}});
const std::vector<std::byte> kData(4);

struct End {
    core::Address address;
    std::uint16_t port;
};
constexpr std::uint16_t kClientPort = 40000;
const End kFrom{kClient, kClientPort};
const End kTo{kServer, 80};

Packet packet(std::uint8_t protocol, const End& from, const End& to) {
    Packet result;
    result.source = from.address;
    result.destination = to.address;
    result.protocol = protocol;
    result.has_ports = true;
    result.source_port = from.port;
    result.destination_port = to.port;
    return result;
}
Packet tcp(const End& from, const End& to, std::uint8_t flags) {
    Packet result = packet(core::protocol::kTcp, from, to);
    result.tcp_flags = flags;
    return result;
}
Packet tcp_data(const End& from, const End& to) {
    Packet result = tcp(from, to, kAck);
    result.payload = kData;
    return result;
}
Packet udp(const End& from, const End& to) {
    return packet(core::protocol::kUdp, from, to);
}
Packet sctp(const End& from, const End& to, std::uint8_t chunk) {
    Packet result = packet(core::protocol::kSctp, from, to);
    result.has_sctp_chunk = true;
    result.sctp_chunk = chunk;
    return result;
}

/// The fates of packets once all of them are known, in order.
std::vector<Fate> fates(const std::vector<Packet>& packets) {
    Conversations conversations(1);
    for (const Packet& packet : packets) {
        conversations.learn(packet);
    }
    std::vector<Fate> result;
    for (const Packet& packet : packets) {
        result.push_back(conversations.fate_of(packet));
    }
    return result;
}
using Fates = std::vector<Fate>;

TEST(Conversations, APortThatNeverAnsweredIsClosed) {
    EXPECT_EQ(fates({tcp(kFrom, kTo, kSyn)}), Fates{Fate::dropped});
    EXPECT_EQ(fates({udp(kFrom, kTo)}), Fates{Fate::dropped});
    EXPECT_EQ(fates({sctp(kFrom, kTo, 1)}), Fates{Fate::dropped});
}

TEST(Conversations, ARefusalIsNoAnswer) {
    EXPECT_EQ(fates({tcp(kFrom, kTo, kSyn), tcp(kTo, kFrom, kRstAck)}), (Fates{Fate::dropped, Fate::reply}));
    EXPECT_EQ(fates({sctp(kFrom, kTo, 1), sctp(kTo, kFrom, 6)}), (Fates{Fate::dropped, Fate::reply}));
}

TEST(Conversations, AnAnsweringPortIsOpenForEverybodyFromTheStart) {
    const End other{kOther, 1234};
    EXPECT_EQ(fates({tcp(other, kTo, 0), tcp(kFrom, kTo, kSyn), tcp(kTo, kFrom, kSynAck)}),
              (Fates{Fate::answered, Fate::answered, Fate::reply}));
    EXPECT_EQ(fates({udp(other, kTo), udp(kFrom, kTo), udp(kTo, kFrom)}),
              (Fates{Fate::answered, Fate::answered, Fate::reply}));
    EXPECT_EQ(fates({sctp(other, kTo, 1), sctp(kFrom, kTo, 1), sctp(kTo, kFrom, 2)}),
              (Fates{Fate::answered, Fate::answered, Fate::reply}));
}

TEST(Conversations, APortIsOpenForItsProtocolAndHostOnly) {
    const End neighbour{kOther, kTo.port};
    EXPECT_EQ(fates({tcp(kFrom, kTo, kSyn), tcp(kTo, kFrom, kSynAck), udp(kFrom, kTo),
                     tcp(kFrom, neighbour, kSyn)}),
              (Fates{Fate::answered, Fate::reply, Fate::dropped, Fate::dropped}));
}

TEST(Conversations, WhoAsksIsAnsweredAndNotProbed) {
    // The resolver's answer to us, and the same from one we never asked.
    const End resolver{kServer, 53};
    const End stranger{kOther, 53};
    EXPECT_EQ(fates({udp(kFrom, resolver), udp(resolver, kFrom), udp(stranger, kFrom)}),
              (Fates{Fate::answered, Fate::reply, Fate::dropped}));
}

TEST(Conversations, AnswersFromAnotherPortAreNobodysReply) {
    EXPECT_EQ(fates({udp(kFrom, {kServer, 69}), udp({kServer, 50000}, kFrom)}),
              (Fates{Fate::dropped, Fate::dropped}));
}

TEST(Conversations, WhatBeganBeforeTheCaptureIsEstablished) {
    EXPECT_EQ(fates({tcp(kTo, kFrom, kAck), tcp(kFrom, kTo, kAck)}),
              (Fates{Fate::established, Fate::established}));
    EXPECT_EQ(fates({tcp_data(kTo, kFrom)}), Fates{Fate::established}) << "data need no second direction";
    EXPECT_EQ(fates({sctp(kFrom, kTo, 0)}), Fates{Fate::established});
}

TEST(Conversations, AnEstablishedConversationOpensNoPort) {
    const End other{kOther, 1234};
    EXPECT_EQ(fates({tcp_data(kTo, kFrom), tcp(other, kFrom, kSyn)}),
              (Fates{Fate::established, Fate::dropped}));
}

TEST(Conversations, ScansWithoutSynAreNotEstablished) {
    for (const std::uint8_t flags :
         {std::uint8_t{0}, kFin, std::uint8_t{kFin | kPsh | kUrg}, kAck, std::uint8_t{kFin | kAck}}) {
        EXPECT_EQ(fates({tcp(kFrom, kTo, flags)}), Fates{Fate::dropped}) << int{flags};
        EXPECT_EQ(fates({tcp(kFrom, kTo, flags), tcp(kTo, kFrom, kRst)}),
                  (Fates{Fate::dropped, Fate::dropped}))
            << int{flags};
    }
}

TEST(Conversations, BackscatterReachesTheFirewall) {
    EXPECT_EQ(fates({tcp(kTo, kFrom, kSynAck)}), Fates{Fate::dropped});
    EXPECT_EQ(fates({tcp(kTo, kFrom, kRst)}), Fates{Fate::dropped});
}

TEST(Conversations, DataAfterASynMeanThatSomebodyAcceptedUnseen) {
    EXPECT_EQ(fates({tcp(kFrom, kTo, kSyn), tcp_data(kFrom, kTo)}),
              (Fates{Fate::established, Fate::established}));
}

TEST(Conversations, IcmpAndLaterFragmentsHaveNone) {
    Packet icmp = packet(core::protocol::kIcmp, kFrom, kTo);
    Packet fragment = udp(kFrom, kTo);
    fragment.fragment = core::Fragment::later;
    fragment.has_ports = false;
    fragment.source_port = fragment.destination_port = 0;
    EXPECT_EQ(fates({icmp, fragment}), (Fates{Fate::dropped, Fate::dropped}));
}

TEST(Conversations, ProtocolsWithoutPortsAnswerToo) {
    constexpr std::uint8_t kGre = 47;
    const Packet there = packet(kGre, {kClient, 0}, {kServer, 0});
    const Packet back = packet(kGre, {kServer, 0}, {kClient, 0});
    EXPECT_EQ(fates({there}), Fates{Fate::dropped});
    EXPECT_EQ(fates({there, back}), (Fates{Fate::answered, Fate::reply}));
}

TEST(Conversations, BeyondTheLimitNothingIsAProbe) {
    constexpr std::size_t kRemembered = 2;
    Conversations conversations(1, kRemembered);
    for (std::uint16_t port = 1; port <= 3; ++port) {
        conversations.learn(udp(kFrom, {kServer, port}));
    }
    EXPECT_EQ(conversations.fate_of(udp(kFrom, {kServer, 2})), Fate::dropped);
    EXPECT_EQ(conversations.fate_of(udp(kFrom, {kServer, 3})), Fate::unknown);
    EXPECT_EQ(conversations.remembered(), kRemembered);
    EXPECT_EQ(conversations.forgone(), 1U);
}

TEST(Conversations, AnAnswerBeyondTheLimitStillClearsItsConversation) {
    Conversations conversations(1, 1);
    conversations.learn(udp(kFrom, kTo));
    conversations.learn(udp(kTo, kFrom));
    EXPECT_EQ(conversations.fate_of(udp(kFrom, kTo)), Fate::established);
}

TEST(Firewall, OpenPortsAreNeverClosed) {
    Firewall firewall({{.host = std::nullopt, .protocol = std::nullopt, .number = 80}}, false, 1);
    firewall.learn(tcp(kFrom, kTo, kSyn));
    EXPECT_EQ(firewall.fate_of(tcp(kFrom, kTo, kSyn)), Fate::answered);
}

TEST(Firewall, AnOpenPortMayBeOfOneProtocolAndOneHost) {
    Firewall firewall({{.host = kServer, .protocol = core::protocol::kTcp, .number = 80}}, false, 1);
    const End elsewhere{kOther, 80};
    for (const Packet& packet : {tcp(kFrom, kTo, kSyn), udp(kFrom, kTo), tcp(kFrom, elsewhere, kSyn)}) {
        firewall.learn(packet);
    }
    EXPECT_EQ(firewall.fate_of(tcp(kFrom, kTo, kSyn)), Fate::answered);
    EXPECT_EQ(firewall.fate_of(udp(kFrom, kTo)), Fate::dropped);
    EXPECT_EQ(firewall.fate_of(tcp(kFrom, elsewhere, kSyn)), Fate::dropped);
}

}  // namespace
}  // namespace farewell::replay

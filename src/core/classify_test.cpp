// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule from both sides: what it catches, and the nearest packet that it must not.
#include "core/classify.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "packet_builder.hpp"

namespace farewell::core {
namespace {

using test::Bytes;
using test::Ipv4;
using test::Ipv6;
using test::Tcp;
using Octets4 = std::array<std::uint8_t, 4>;
using namespace tcp_flag;

constexpr std::uint8_t kUdp = protocol::kUdp;
constexpr std::uint8_t kSctp = protocol::kSctp;
constexpr std::uint16_t kEphemeral = 40001;

Address address(Octets4 octets) {
    std::array<std::byte, 4> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>(octets[i]);
    }
    return Address::ipv4(bytes);
}

/// 198.18.0.2 serves tcp/8080 and udp/514; its gateway is 198.18.0.254, its resolver 198.18.9.53.
const Knowledge& host() {
    static const Knowledge knowledge({.own_addresses = {address({198, 18, 0, 2})},
                                      .on_link = {{.address = address({198, 18, 0, 0}), .length = 24}},
                                      .broadcasts = {address({198, 18, 0, 255})},
                                      .gateways = {address({198, 18, 0, 254})},
                                      .resolvers = {address({198, 18, 9, 53})},
                                      .ephemeral_first = 32768,
                                      .ephemeral_last = 60999,
                                      .served = {{.protocol = 6, .number = 8080}, {kUdp, 514}}});
    return knowledge;
}

Rule rule_of(const Bytes& bytes, LinkDestination link = LinkDestination::unknown) {
    const auto packet = decode(bytes, bytes.size());
    EXPECT_TRUE(packet);
    return classify(*packet, host(), link);
}

Rule tcp(const Tcp& segment, Octets4 source = {203, 0, 113, 1}) {
    return rule_of(build(Ipv4{.source = source, .payload = build(segment)}));
}

struct Udp {
    std::uint16_t from = 50000;
    std::uint16_t to = 7;
    Bytes payload{};
    Octets4 source{203, 0, 113, 1};
    Octets4 destination{198, 18, 0, 2};
    std::uint8_t ttl = 64;
};
Rule udp(const Udp& datagram, LinkDestination link = LinkDestination::unknown) {
    return rule_of(build(Ipv4{.source = datagram.source,
                              .destination = datagram.destination,
                              .protocol = kUdp,
                              .ttl = datagram.ttl,
                              .payload = test::build_udp(datagram.from, datagram.to, datagram.payload)}),
                   link);
}

TEST(Classify, TcpFlags) {
    const auto flags = [](std::uint8_t value) { return tcp({.flags = value}); };
    EXPECT_EQ(flags(kSyn), Rule::syn);
    EXPECT_EQ(flags(kSyn | kPsh | kUrg), Rule::syn) << "oddities do not hide it";
    EXPECT_EQ(flags(kSyn | kFin), Rule::stealth);
    EXPECT_EQ(flags(0), Rule::stealth);
    EXPECT_EQ(flags(kFin), Rule::stealth);
    EXPECT_EQ(flags(kFin | kPsh | kUrg), Rule::stealth);
    EXPECT_EQ(flags(kAck), Rule::ack);
    EXPECT_EQ(flags(kFin | kAck), Rule::ack);
    EXPECT_EQ(flags(kSyn | kAck), Rule::backscatter);
    EXPECT_EQ(flags(kRst), Rule::backscatter);
    EXPECT_EQ(flags(kRst | kAck), Rule::backscatter);
    EXPECT_EQ(flags(kRst | kSyn), Rule::backscatter);
}

TEST(Classify, ASynCountsWithDataToo) {
    EXPECT_EQ(tcp({.flags = kSyn, .payload = Bytes(10)}), Rule::syn) << "--data-length, TCP fast open";
}

TEST(Classify, TheTailOfAConnectionIsStray) {
    const std::uint16_t ordinary_window = 501;
    EXPECT_EQ(tcp({.flags = kAck, .window = ordinary_window}), Rule::ack);
    EXPECT_EQ(tcp({.flags = kAck, .window = ordinary_window, .payload = Bytes(1)}), Rule::stray);
    EXPECT_EQ(tcp({.destination_port = kEphemeral, .flags = kAck, .window = ordinary_window}), Rule::stray);
    EXPECT_EQ(tcp({.source_port = 443, .flags = kAck, .window = ordinary_window}), Rule::stray);
    EXPECT_EQ(tcp({.source_port = 1023, .flags = kFin | kAck, .window = ordinary_window}), Rule::stray);
    EXPECT_EQ(tcp({.source_port = 1024, .flags = kFin | kAck, .window = ordinary_window}), Rule::ack);
}

TEST(Classify, ARawScannersPacketIsNoTail) {
    EXPECT_EQ(tcp({.source_port = 80, .flags = kAck, .window = 1024}), Rule::ack) << "nmap -sA -g 80";
    EXPECT_EQ(tcp({.destination_port = kEphemeral, .flags = kFin | kAck, .window = 1024}), Rule::ack);
}

TEST(Classify, APortThatHadAServiceIsNoEvidence) {
    EXPECT_EQ(tcp({.destination_port = 8080, .flags = kSyn}), Rule::service_away);
    EXPECT_EQ(tcp({.destination_port = 8080, .flags = kAck}), Rule::service_away);
    EXPECT_EQ(tcp({.destination_port = 8081, .flags = kSyn}), Rule::syn);
    EXPECT_EQ(tcp({.destination_port = 514, .flags = kSyn}), Rule::syn) << "served by UDP only";
    EXPECT_EQ(udp({.to = 514, .payload = Bytes(9)}), Rule::service_away);
    EXPECT_EQ(tcp({.destination_port = 8080, .flags = 0}), Rule::stealth) << "no client sends that";
}

TEST(Classify, Udp) {
    EXPECT_EQ(udp({}), Rule::udp);
    EXPECT_EQ(udp({.to = 1023, .payload = Bytes(10)}), Rule::udp);
    EXPECT_EQ(udp({.to = 1024, .payload = Bytes(10)}), Rule::udp_data);
    EXPECT_EQ(rule_of(build(Ipv4{.protocol = protocol::kUdpLite, .payload = test::build_udp(1, 7)})),
              Rule::udp);
    EXPECT_EQ(udp({.to = kEphemeral, .payload = Bytes(10)}), Rule::udp_data);
    EXPECT_EQ(udp({.to = kEphemeral}), Rule::udp) << "empty, as a scanner sends it";
    EXPECT_EQ(udp({.to = 61000, .payload = Bytes(10)}), Rule::udp_data) << "ephemeral or not";
}

TEST(Classify, Traceroute) {
    EXPECT_EQ(udp({.to = 33434, .payload = Bytes(32), .ttl = 3}), Rule::traceroute);
    EXPECT_EQ(udp({.to = 33534, .payload = Bytes(72), .ttl = 30}), Rule::traceroute);
    EXPECT_EQ(udp({.to = 33000, .payload = Bytes(36), .ttl = 1}), Rule::traceroute) << "mtr's first";
    EXPECT_EQ(udp({.to = 65535, .payload = Bytes(36), .ttl = 12}), Rule::traceroute) << "mtr, hours later";
    EXPECT_EQ(udp({.to = 33434, .payload = Bytes(32), .ttl = 31}), Rule::udp_data);
    EXPECT_EQ(udp({.to = 32999, .payload = Bytes(32), .ttl = 3}), Rule::udp_data);
    EXPECT_EQ(udp({.to = 33434, .payload = Bytes(73), .ttl = 3}), Rule::udp_data);
    EXPECT_EQ(udp({.to = 33434, .ttl = 3}), Rule::udp) << "empty, as nmap -sU sends it";
}

TEST(Classify, NeighboursMayDiscoverServices) {
    EXPECT_EQ(udp({.to = 5353, .payload = Bytes(12), .source = {198, 18, 0, 7}}), Rule::lan_chatter);
    EXPECT_EQ(udp({.to = 1900, .source = {192, 168, 7, 7}}), Rule::lan_chatter) << "a private address";
    EXPECT_EQ(udp({.to = 5353, .payload = Bytes(12), .source = {198, 18, 1, 7}}), Rule::udp_data);
    EXPECT_EQ(udp({.to = 5354, .payload = Bytes(12), .source = {198, 18, 0, 7}}), Rule::udp_data);
    EXPECT_EQ(udp({.to = 67, .source = {198, 18, 0, 7}}), Rule::lan_chatter);
    EXPECT_EQ(udp({.to = 57621, .source = {198, 18, 0, 7}}), Rule::lan_chatter);
}

TEST(Classify, ALateReplyIsNoProbe) {
    Bytes response(12);
    response[2] = std::byte{0x81};
    EXPECT_EQ(udp({.from = 53, .to = 2000, .payload = response}), Rule::late_reply);
    EXPECT_EQ(udp({.from = 53, .to = 1023, .payload = response}), Rule::udp) << "no client asks from there";
    response[2] = std::byte{0x01};
    EXPECT_EQ(udp({.from = 53, .to = 2000, .payload = response}), Rule::udp_data) << "a question";
    EXPECT_EQ(udp({.from = 53, .to = 2000}), Rule::udp) << "nmap -g 53";
}

TEST(Classify, SctpAndOtherProtocols) {
    const auto sctp = [](std::uint8_t chunk) {
        return rule_of(build(Ipv4{.protocol = kSctp, .payload = test::build_sctp(1, 2, chunk)}));
    };
    EXPECT_EQ(sctp(1), Rule::sctp);
    EXPECT_EQ(sctp(10), Rule::sctp) << "COOKIE ECHO, as nmap -sZ sends it";
    for (const std::uint8_t answer : std::initializer_list<std::uint8_t>{2, 3, 5, 6, 8, 9, 11, 14}) {
        EXPECT_EQ(sctp(answer), Rule::backscatter) << unsigned{answer};
    }
    EXPECT_EQ(rule_of(build(Ipv4{.protocol = 47})), Rule::protocol);
    EXPECT_EQ(rule_of(build(Ipv4{.protocol = 1, .payload = Bytes(8)})), Rule::icmp);
    EXPECT_EQ(rule_of(build(Ipv6{.next_header = 58, .payload = Bytes(8)})), Rule::icmp);
}

TEST(Classify, Fragments) {
    const Bytes segment = build(Tcp{});
    EXPECT_EQ(rule_of(build(Ipv4{.fragment = 5, .payload = segment})), Rule::fragment);
    EXPECT_EQ(rule_of(build(Ipv4{.fragment = 0x2000, .payload = segment})), Rule::syn);
    EXPECT_EQ(
        rule_of(build(Ipv4{.fragment = 0x2000, .payload = Bytes(segment.begin(), segment.begin() + 8)})),
        Rule::tiny_fragment);
    EXPECT_EQ(rule_of(build(Ipv4{.protocol = 47, .fragment = 0x2000})), Rule::protocol);
}

TEST(Classify, TheHostsSurroundingsAreTrusted) {
    EXPECT_EQ(tcp({}, {198, 18, 0, 2}), Rule::trusted);
    EXPECT_EQ(tcp({}, {198, 18, 0, 254}), Rule::trusted);
    EXPECT_EQ(tcp({}, {198, 18, 9, 53}), Rule::trusted);
    EXPECT_EQ(tcp({}, {198, 18, 0, 253}), Rule::syn);
}

TEST(Classify, Martians) {
    for (const Octets4 source :
         {Octets4{0, 0, 0, 0}, {127, 0, 0, 1}, {224, 0, 0, 1}, {239, 255, 0, 1}, {255, 255, 255, 255}}) {
        EXPECT_EQ(tcp({}, source), Rule::martian);
    }
    for (const Octets4 source :
         {Octets4{0, 0, 0, 1}, {126, 0, 0, 1}, {128, 0, 0, 1}, {223, 0, 0, 1}, {255, 255, 255, 254}}) {
        EXPECT_EQ(tcp({}, source), Rule::syn);
    }
    EXPECT_EQ(rule_of(build(Ipv6{.source = {}, .payload = build(Tcp{})})), Rule::martian);
    EXPECT_EQ(rule_of(build(
                  Ipv6{.source = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, .payload = build(Tcp{})})),
              Rule::martian);
    EXPECT_EQ(rule_of(build(Ipv6{.source = {0xff, 2}, .payload = build(Tcp{})})), Rule::martian);
}

TEST(Classify, WhatGoesToEverybodyIsChatter) {
    EXPECT_EQ(udp({.destination = {224, 0, 0, 251}}), Rule::chatter);
    EXPECT_EQ(udp({.destination = {255, 255, 255, 255}}), Rule::chatter);
    EXPECT_EQ(udp({.destination = {198, 18, 0, 255}}), Rule::chatter) << "known to the host";
    EXPECT_EQ(udp({.destination = {198, 18, 1, 255}}), Rule::udp);
    EXPECT_EQ(udp({}, LinkDestination::broadcast), Rule::chatter);
    EXPECT_EQ(udp({}, LinkDestination::multicast), Rule::chatter);
    EXPECT_EQ(udp({}, LinkDestination::unicast), Rule::udp);
    EXPECT_EQ(
        rule_of(build(Ipv6{.destination = {0xff, 2}, .next_header = 17, .payload = test::build_udp(1, 2)})),
        Rule::chatter);
}

TEST(Classify, TheProbeCarriesWhatIsEvidence) {
    const Bytes bytes =
        build(Ipv4{.ttl = 47,
                   .payload = build(Tcp{
                       .destination_port = 3306, .window = 1024, .options = test::bytes({2, 4, 5, 180})})});
    const auto packet = decode(bytes, bytes.size());
    ASSERT_TRUE(packet);
    const Probe probe = probe_of(*packet, Rule::syn);
    EXPECT_EQ(probe.port, (Port{.protocol = 6, .number = 3306}));
    EXPECT_EQ(probe.ttl, 47);
    EXPECT_EQ(probe.tcp_window, 1024);
    EXPECT_EQ(probe.tcp_options, 4);
    EXPECT_EQ(probe.source_port, 40000);
    EXPECT_EQ(probe.tool, Tool::nmap);
}

TEST(Classify, EvidenceWeighs) {
    const auto weight = [](Rule rule, Tool tool) {
        Probe probe;
        probe.rule = rule;
        probe.tool = tool;
        return probe.weight();
    };
    EXPECT_EQ(weight(Rule::syn, Tool::none), kOrdinaryWeight);
    EXPECT_EQ(weight(Rule::syn, Tool::zmap_modern), kOrdinaryWeight) << "a middlebox may have made it";
    EXPECT_EQ(weight(Rule::syn, Tool::nmap), 2 * kOrdinaryWeight);
    EXPECT_EQ(weight(Rule::ack, Tool::none), kOrdinaryWeight / 2);
    EXPECT_EQ(weight(Rule::ack, Tool::nmap), kOrdinaryWeight);
    EXPECT_EQ(weight(Rule::stray, Tool::none), 0);
    EXPECT_EQ(weight(Rule::service_away, Tool::nmap), 0) << "a raw stack does not make evidence of it";
}

TEST(Classify, EveryRuleHasOneRowAndItsName) {
    std::set<std::string> names;
    for (const RuleRow& row : rules()) {
        EXPECT_EQ(name_of(row.rule), row.name);
        EXPECT_FALSE(row.reason.empty());
        EXPECT_EQ(row.weight > 0, is_counted(row.rule) && !is_ambiguous(row.rule)) << row.name;
        names.emplace(row.name);
    }
    EXPECT_EQ(names.size(), kRules);
    EXPECT_TRUE(is_ambiguous(Rule::late_reply));
    EXPECT_FALSE(is_ambiguous(Rule::tiny_fragment));
    EXPECT_FALSE(is_ambiguous(Rule::trusted));
}

}  // namespace
}  // namespace farewell::core

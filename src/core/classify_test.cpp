// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule from both sides: what it catches, and the nearest packet that it must not.
#include "core/classify.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "packet_builder.hpp"

namespace farewell::core {
namespace {

using test::Ipv4;
using test::Ipv6;
using test::Tcp;

Classification classified(const test::Bytes& bytes, LinkDestination link = LinkDestination::unknown) {
    const auto packet = decode(bytes, bytes.size());
    EXPECT_TRUE(packet);
    return classify(*packet, link);
}

std::optional<ProbeKind> kind_of(const Classification& classification) {
    const auto* probe = std::get_if<Probe>(&classification);
    return probe == nullptr ? std::nullopt : std::optional(probe->kind);
}

std::optional<Disregard> reason_of(const Classification& classification) {
    const auto* reason = std::get_if<Disregard>(&classification);
    return reason == nullptr ? std::nullopt : std::optional(*reason);
}

Classification tcp(std::uint8_t flags) {
    return classified(build(Ipv4{.payload = build(Tcp{.flags = flags})}));
}

TEST(Classify, TcpFlags) {
    using namespace tcp_flag;
    EXPECT_EQ(kind_of(tcp(kSyn)), ProbeKind::syn);
    EXPECT_EQ(kind_of(tcp(kSyn | kFin)), ProbeKind::stealth);
    EXPECT_EQ(kind_of(tcp(0)), ProbeKind::stealth);
    EXPECT_EQ(kind_of(tcp(kFin)), ProbeKind::stealth);
    EXPECT_EQ(kind_of(tcp(kFin | kPsh | kUrg)), ProbeKind::stealth);
    EXPECT_EQ(kind_of(tcp(kAck)), ProbeKind::ack);
    EXPECT_EQ(kind_of(tcp(kFin | kAck)), ProbeKind::ack);
    EXPECT_EQ(reason_of(tcp(kSyn | kAck)), Disregard::backscatter);
    EXPECT_EQ(reason_of(tcp(kRst)), Disregard::backscatter);
    EXPECT_EQ(reason_of(tcp(kRst | kAck)), Disregard::backscatter);
    EXPECT_EQ(reason_of(tcp(kRst | kSyn)), Disregard::backscatter);
}

TEST(Classify, TheProbeCarriesWhatIsEvidence) {
    const auto classification = classified(build(Ipv4{
        .ttl = 47,
        .payload =
            build(Tcp{.destination_port = 3306, .window = 1024, .options = test::bytes({2, 4, 5, 180})})}));
    const auto* probe = std::get_if<Probe>(&classification);
    ASSERT_NE(probe, nullptr);
    EXPECT_EQ(probe->port, (Port{.protocol = 6, .number = 3306}));
    EXPECT_EQ(probe->ttl, 47);
    EXPECT_EQ(probe->tcp_window, 1024);
    EXPECT_EQ(probe->tcp_options, 4);
}

TEST(Classify, UdpSctpAndOtherProtocols) {
    EXPECT_EQ(kind_of(classified(build(Ipv4{.protocol = 17, .payload = test::build_udp(1, 2)}))),
              ProbeKind::udp);
    EXPECT_EQ(kind_of(classified(build(Ipv4{.protocol = 136, .payload = test::build_udp(1, 2)}))),
              ProbeKind::udp);
    EXPECT_EQ(kind_of(classified(build(Ipv4{.protocol = 132, .payload = test::build_sctp(1, 2, 1)}))),
              ProbeKind::sctp);
    for (const std::uint8_t answer : std::initializer_list<std::uint8_t>{2, 3, 5, 6, 8, 9, 11, 14}) {
        EXPECT_EQ(
            reason_of(classified(build(Ipv4{.protocol = 132, .payload = test::build_sctp(1, 2, answer)}))),
            Disregard::backscatter);
    }
    EXPECT_EQ(kind_of(classified(build(Ipv4{.protocol = 132, .payload = test::build_sctp(1, 2, 10)}))),
              ProbeKind::sctp)
        << "COOKIE ECHO, as nmap -sZ sends it";
    EXPECT_EQ(kind_of(classified(build(Ipv4{.protocol = 47}))), ProbeKind::protocol);
    EXPECT_EQ(reason_of(classified(build(Ipv4{.protocol = 1, .payload = test::Bytes(8)}))), Disregard::icmp);
    EXPECT_EQ(reason_of(classified(build(Ipv6{.next_header = 58, .payload = test::Bytes(8)}))),
              Disregard::icmp);
}

TEST(Classify, LaterFragmentsHaveNoPort) {
    EXPECT_EQ(reason_of(classified(build(Ipv4{.fragment = 5, .payload = build(Tcp{})}))),
              Disregard::fragment);
    EXPECT_EQ(kind_of(classified(build(Ipv4{.fragment = 0x2000, .payload = build(Tcp{})}))), ProbeKind::syn);
}

TEST(Classify, Martians) {
    for (const std::array<std::uint8_t, 4> source : {std::array<std::uint8_t, 4>{0, 0, 0, 0},
                                                     {127, 0, 0, 1},
                                                     {224, 0, 0, 1},
                                                     {239, 255, 0, 1},
                                                     {255, 255, 255, 255}}) {
        EXPECT_EQ(reason_of(classified(build(Ipv4{.source = source, .payload = build(Tcp{})}))),
                  Disregard::martian);
    }
    for (const std::array<std::uint8_t, 4> source : {std::array<std::uint8_t, 4>{0, 0, 0, 1},
                                                     {126, 0, 0, 1},
                                                     {128, 0, 0, 1},
                                                     {223, 0, 0, 1},
                                                     {255, 255, 255, 254}}) {
        EXPECT_EQ(kind_of(classified(build(Ipv4{.source = source, .payload = build(Tcp{})}))),
                  ProbeKind::syn);
    }
    EXPECT_EQ(reason_of(classified(build(Ipv6{.source = {}, .payload = build(Tcp{})}))), Disregard::martian);
    EXPECT_EQ(reason_of(classified(build(Ipv6{.source = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                                              .payload = build(Tcp{})}))),
              Disregard::martian);
    EXPECT_EQ(reason_of(classified(build(Ipv6{.source = {0xff, 2}, .payload = build(Tcp{})}))),
              Disregard::martian);
}

TEST(Classify, Chatter) {
    const auto to = [](std::array<std::uint8_t, 4> destination,
                       LinkDestination link = LinkDestination::unknown) {
        return classified(
            build(Ipv4{.destination = destination, .protocol = 17, .payload = test::build_udp(1, 2)}), link);
    };
    EXPECT_EQ(reason_of(to({224, 0, 0, 251})), Disregard::chatter);
    EXPECT_EQ(reason_of(to({255, 255, 255, 255})), Disregard::chatter);
    EXPECT_EQ(reason_of(to({198, 18, 0, 255}, LinkDestination::broadcast)), Disregard::chatter);
    EXPECT_EQ(reason_of(to({198, 18, 0, 2}, LinkDestination::multicast)), Disregard::chatter);
    EXPECT_EQ(kind_of(to({198, 18, 0, 255})), ProbeKind::udp);
    EXPECT_EQ(kind_of(to({198, 18, 0, 2}, LinkDestination::unicast)), ProbeKind::udp);
    EXPECT_EQ(reason_of(classified(build(
                  Ipv6{.destination = {0xff, 2}, .next_header = 17, .payload = test::build_udp(1, 2)}))),
              Disregard::chatter);
}

TEST(Classify, KindsAndReasonsHaveNames) {
    for (const auto kind : {ProbeKind::syn, ProbeKind::stealth, ProbeKind::ack, ProbeKind::udp,
                            ProbeKind::sctp, ProbeKind::protocol}) {
        EXPECT_NE(name_of(kind), "unknown");
    }
    for (std::size_t reason = 0; reason < kDisregards; ++reason) {
        EXPECT_NE(name_of(static_cast<Disregard>(reason)), "unknown");
    }
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/link_layer.hpp"

#include <gtest/gtest.h>
#include <pcap/dlt.h>

#include <string>
#include <vector>

#include "packet_builder.hpp"

namespace farewell::source {
namespace {

using core::LinkDestination;
using test::Bytes;
using test::bytes;
using test::operator+;

Bytes packet() {
    return build(test::Ipv4{.payload = build(test::Tcp{})});
}
Bytes packet6() {
    return build(test::Ipv6{.payload = build(test::Tcp{})});
}

const Bytes kOurs = bytes({0x02, 0, 0, 0, 0, 0x02});
const Bytes kTheirs = bytes({0x02, 0, 0, 0, 0, 0x01});
const Bytes kBroadcast = bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
const Bytes kMulticast = bytes({0x33, 0x33, 0, 0, 0, 1});
const Bytes kIpv4Type = bytes({0x08, 0x00});
const Bytes kIpv6Type = bytes({0x86, 0xdd});
const Bytes kSnap = bytes({0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00});

/// 802.11: frame control, duration, three addresses, sequence.
Bytes radio_header(unsigned kind, unsigned flags) {
    return bytes({kind, flags, 0, 0}) + kOurs + kTheirs + kBroadcast + bytes({0, 0});
}

struct Sample {
    std::string name;
    int link_type;
    Bytes header;
    Bytes packet;
    LinkDestination destination = LinkDestination::unknown;
};

std::vector<Sample> samples() {
    const Bytes macs = kOurs + kTheirs;
    const auto unicast = LinkDestination::unicast;
    const Bytes vlan = bytes({0x81, 0x00, 0, 7});
    const Bytes provider = bytes({0x88, 0xa8, 0, 9});
    const Bytes pppoe = bytes({0x11, 0x00, 0, 1, 0, 42});
    return {
        {"Ethernet", DLT_EN10MB, macs + kIpv4Type, packet(), unicast},
        {"Ethernet, IPv6", DLT_EN10MB, macs + kIpv6Type, packet6(), unicast},
        {"Ethernet, broadcast", DLT_EN10MB, kBroadcast + kTheirs + kIpv4Type, packet(),
         LinkDestination::broadcast},
        {"Ethernet, multicast", DLT_EN10MB, kMulticast + kTheirs + kIpv6Type, packet6(),
         LinkDestination::multicast},
        {"VLAN", DLT_EN10MB, macs + vlan + kIpv4Type, packet(), unicast},
        {"QinQ", DLT_EN10MB, macs + provider + vlan + kIpv6Type, packet6(), unicast},
        {"802.3 with SNAP", DLT_EN10MB, macs + bytes({0, 48}) + kSnap, packet(), unicast},
        {"PPPoE", DLT_EN10MB, macs + bytes({0x88, 0x64}) + pppoe + bytes({0x00, 0x21}), packet(), unicast},
        {"PPPoE, IPv6", DLT_EN10MB, macs + bytes({0x88, 0x64}) + pppoe + bytes({0x00, 0x57}), packet6(),
         unicast},
        {"raw", DLT_RAW, {}, packet()},
        {"raw, IPv6", DLT_IPV6, {}, packet6()},
        {"cooked", DLT_LINUX_SLL, bytes({0, 0, 0, 1, 0, 6}) + kTheirs + bytes({0, 0}) + kIpv4Type, packet(),
         unicast},
        {"cooked, broadcast", DLT_LINUX_SLL, bytes({0, 1, 0, 1, 0, 6}) + kTheirs + bytes({0, 0}) + kIpv4Type,
         packet(), LinkDestination::broadcast},
        {"cooked v2", DLT_LINUX_SLL2,
         kIpv6Type + bytes({0, 0, 0, 0, 0, 3, 0, 1, 2, 6}) + kTheirs + bytes({0, 0}), packet6(),
         LinkDestination::multicast},
        {"loopback of Linux", DLT_NULL, bytes({2, 0, 0, 0}), packet()},
        {"loopback of macOS, IPv6", DLT_NULL, bytes({30, 0, 0, 0}), packet6()},
        {"loopback of OpenBSD", DLT_LOOP, bytes({0, 0, 0, 24}), packet6()},
        {"PPP", DLT_PPP, bytes({0xff, 0x03, 0x00, 0x21}), packet()},
        {"PPP, fields compressed", DLT_PPP, bytes({0x21}), packet()},
        {"PPP of pppd", DLT_PPP_PPPD, bytes({1, 0xff, 0x03, 0x00, 0x57}), packet6()},
        {"Cisco HDLC", DLT_C_HDLC, bytes({0x0f, 0x00}) + kIpv4Type, packet()},
        {"frame relay", DLT_FRELAY, bytes({0x18, 0x41, 0x03, 0xcc}), packet()},
        {"802.11", DLT_IEEE802_11, radio_header(0x08, 0x02) + kSnap, packet(), unicast},
        {"802.11, quality of service, to all", DLT_IEEE802_11,
         radio_header(0x88, 0x01) + bytes({0, 0}) + kSnap, packet(), LinkDestination::broadcast},
        {"802.11, four addresses", DLT_IEEE802_11, radio_header(0x08, 0x03) + kTheirs + kSnap, packet(),
         LinkDestination::broadcast},
        {"radiotap", DLT_IEEE802_11_RADIO, bytes({0, 0, 8, 0, 0, 0, 0, 0}) + radio_header(0x08, 0x02) + kSnap,
         packet(), unicast},
        {"radiotap, padded", DLT_IEEE802_11_RADIO,
         bytes({0, 0, 9, 0, 2, 0, 0, 0, 0x20}) + radio_header(0x88, 0x02) + bytes({0, 0, 0, 0}) + kSnap,
         packet(), unicast},
        {"log group", DLT_NFLOG, bytes({2, 0, 0, 7, 5, 0, 10, 0, 0x78, 0, 0, 0, 44, 0, 9, 0}), packet()},
        {"PPI", DLT_PPI, bytes({0, 0, 8, 0, 105, 0, 0, 0}) + radio_header(0x08, 0x02) + kSnap, packet(),
         unicast},
        {"PKTAP", DLT_PKTAP, bytes({12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}) + macs + kIpv4Type, packet(),
         unicast},
    };
}

TEST(LinkLayer, FindsThePacketBehindEveryHeader) {
    for (const Sample& sample : samples()) {
        SCOPED_TRACE(sample.name);
        ASSERT_TRUE(is_supported_link(sample.link_type));
        const Bytes frame = sample.header + sample.packet;
        const auto found = ip_packet_of(sample.link_type, frame);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->offset, sample.header.size());
        EXPECT_EQ(Bytes(found->bytes.begin(), found->bytes.end()), sample.packet);
        EXPECT_EQ(found->destination, sample.destination);
    }
}

TEST(LinkLayer, AHeaderCutAnywhereIsNeverAPacket) {
    for (const Sample& sample : samples()) {
        for (std::size_t length = 0; length < sample.header.size(); ++length) {
            // A heap copy of that very length, so that ASan sees its end.
            const Bytes cut(sample.header.begin(),
                            sample.header.begin() + static_cast<std::ptrdiff_t>(length));
            const auto found = ip_packet_of(sample.link_type, cut);
            EXPECT_FALSE(found.has_value() && !found->bytes.empty()) << sample.name << " cut at " << length;
        }
    }
}

TEST(LinkLayer, WhatIsNotIpIsSaidSo) {
    const Bytes macs = kOurs + kTheirs;
    const std::vector<Sample> others{
        {"ARP", DLT_EN10MB, macs + bytes({0x08, 0x06}), packet()},
        {"spanning tree", DLT_EN10MB, macs + bytes({0, 39, 0x42, 0x42, 0x03}), packet()},
        {"PPPoE discovery", DLT_EN10MB, macs + bytes({0x88, 0x64, 0x11, 0x09, 0, 0, 0, 0}), packet()},
        {"PPP, LCP", DLT_PPP, bytes({0xff, 0x03, 0xc0, 0x21}), packet()},
        {"loopback, AppleTalk", DLT_NULL, bytes({16, 0, 0, 0}), packet()},
        {"cooked netlink", DLT_LINUX_SLL, bytes({0, 4, 3, 56, 0, 0}) + kTheirs + bytes({0, 0}) + kIpv4Type,
         packet()},
        {"802.11 beacon", DLT_IEEE802_11, radio_header(0x80, 0) + kSnap, packet()},
        {"802.11 without data", DLT_IEEE802_11, radio_header(0x48, 0) + kSnap, packet()},
        {"802.11 encrypted", DLT_IEEE802_11, radio_header(0x08, 0x42) + kSnap, packet()},
        {"802.11 aggregate", DLT_IEEE802_11, radio_header(0x88, 0x02) + bytes({0x80, 0}) + kSnap, packet()},
        {"radiotap, bad checksum", DLT_IEEE802_11_RADIO,
         bytes({0, 0, 9, 0, 2, 0, 0, 0, 0x40}) + radio_header(0x08, 0x02) + kSnap, packet()},
        {"PPI in PPI", DLT_PPI, bytes({0, 0, 8, 0, 192, 0, 0, 0, 0, 0, 8, 0, 1, 0, 0, 0}) + macs + kIpv4Type,
         packet()},
        {"a type nobody supports", DLT_USER0, {}, packet()},
    };
    for (const Sample& other : others) {
        const Bytes frame = other.header + other.packet;
        const auto found = ip_packet_of(other.link_type, frame);
        ASSERT_FALSE(found.has_value()) << other.name;
        EXPECT_EQ(found.error(), NoPacket::not_ip) << other.name;
    }
    EXPECT_FALSE(is_supported_link(DLT_USER0));
}

}  // namespace
}  // namespace farewell::source

// SPDX-License-Identifier: MIT
#include "nfq/packet_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

#include "nfq/test_messages.hpp"

namespace farewell::nfq {
namespace {

using Bytes = std::vector<std::byte>;

/// A packet message of IPv6 at output, to which the test adds attributes.
class PacketMessage {
 public:
    PacketMessage() {
        writer_.begin(NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET, 0, 0);
        writer_.put_u8(10);
        writer_.put_u8(0);
        writer_.put_be16(3);
    }
    PacketMessage& header() { return add(NFQA_PACKET_HDR, bytes({1, 2, 3, 4, 0x86, 0xdd, 3})); }
    PacketMessage& add(std::uint16_t type, const Bytes& value) {
        writer_.attribute(type, value);
        return *this;
    }
    [[nodiscard]] Bytes finished() {
        writer_.end();
        return {writer_.bytes().begin(), writer_.bytes().end()};
    }

 private:
    netlink::MessageWriter writer_;
};

struct Parsed {
    Bytes message;  // what the packet is a view of
    PacketForm form = PacketForm::without_id;
    Packet packet;
};

Parsed parse(Bytes message) {
    Parsed parsed;
    parsed.message = std::move(message);
    netlink::MessageReader reader(parsed.message);
    if (const auto first = reader.next()) {
        EXPECT_TRUE(is_packet(*first));
        parsed.form = parse_packet(*first, parsed.packet);
    }
    return parsed;
}

bool equal(std::span<const std::byte> left, const Bytes& right) {
    return std::ranges::equal(left, right);
}

TEST(ParsePacket, EveryAttributeFindsItsPlace) {
    const auto parsed =
        parse(PacketMessage()
                  .header()
                  .add(NFQA_MARK, bytes({0, 0, 0, 1}))
                  .add(NFQA_PRIORITY, bytes({0, 0, 0, 2}))
                  .add(NFQA_IFINDEX_INDEV, bytes({0, 0, 0, 3}))
                  .add(NFQA_IFINDEX_OUTDEV, bytes({0, 0, 0, 4}))
                  .add(NFQA_IFINDEX_PHYSINDEV, bytes({0, 0, 0, 5}))
                  .add(NFQA_IFINDEX_PHYSOUTDEV, bytes({0, 0, 0, 6}))
                  .add(NFQA_HWADDR, bytes({0, 6, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0}))
                  .add(NFQA_L2HDR, Bytes(14, std::byte{8}))
                  .add(NFQA_VLAN, bytes({6, 0, NFQA_VLAN_PROTO, 0, 0x81, 0, 0, 0,  //
                                         6, 0, NFQA_VLAN_TCI, 0, 0x0f, 0xff, 0, 0}))
                  .add(NFQA_UID, bytes({0, 0, 0, 0}))
                  .add(NFQA_GID, bytes({0, 0, 0, 9}))
                  .add(NFQA_TIMESTAMP, bytes({0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7}))
                  .add(NFQA_SKB_INFO, bytes({0, 0, 0, 3}))
                  .add(NFQA_CT, bytes({8, 0, 3, 0, 0, 0, 0, 1}))
                  .add(NFQA_CT_INFO, bytes({0, 0, 0, 2}))
                  .add(NFQA_SECCTX, bytes({'c', 't', 'x'}))
                  .add(NFQA_CAP_LEN, bytes({0, 0, 5, 0xdc}))
                  .add(NFQA_PAYLOAD, Bytes(60, std::byte{0x60}))
                  .finished());
    EXPECT_EQ(parsed.form, PacketForm::whole);
    const Packet& packet = parsed.packet;
    const Metadata metadata = packet.metadata();
    EXPECT_EQ(packet.id, 0x01020304U);
    EXPECT_EQ(packet.hardware_protocol, 0x86dd);
    EXPECT_EQ(packet.hook, Hook::output);
    EXPECT_EQ(packet.family, 10);
    EXPECT_EQ(metadata.mark, 1U);
    EXPECT_EQ(metadata.priority, 2U);
    EXPECT_EQ(metadata.input_interface, 3U);
    EXPECT_EQ(metadata.output_interface, 4U);
    EXPECT_EQ(metadata.physical_input_interface, 5U);
    EXPECT_EQ(metadata.physical_output_interface, 6U);
    EXPECT_TRUE(equal(metadata.hardware_address, bytes({1, 2, 3, 4, 5, 6})));
    EXPECT_EQ(metadata.link_header.size(), 14U);
    EXPECT_EQ(metadata.vlan_tag, 0x0fff);
    EXPECT_EQ(metadata.uid, 0U) << "root's packet, not a packet without owner";
    EXPECT_EQ(metadata.gid, 9U);
    ASSERT_TRUE(metadata.timestamp);
    EXPECT_EQ(metadata.timestamp->time_since_epoch(), std::chrono::microseconds(2'000'007));
    EXPECT_EQ(metadata.skb_info, 3U);
    EXPECT_TRUE(equal(metadata.conntrack, bytes({8, 0, 3, 0, 0, 0, 0, 1})));
    EXPECT_EQ(metadata.conntrack_info, 2U);
    EXPECT_TRUE(equal(metadata.security_context, bytes({'c', 't', 'x'})));
    EXPECT_EQ(packet.original_length, 1500U);
    EXPECT_EQ(packet.payload.size(), 60U);
    EXPECT_TRUE(packet.is_cut_short());
    EXPECT_FALSE(metadata.is_damaged);
}

TEST(ParsePacket, WhatTheKernelDoesNotSendIsAbsent) {
    const auto parsed = parse(PacketMessage().header().finished());
    EXPECT_EQ(parsed.form, PacketForm::whole);
    EXPECT_TRUE(parsed.packet.payload.empty());
    EXPECT_EQ(parsed.packet.original_length, 0U);
    EXPECT_FALSE(parsed.packet.is_cut_short());
    const Metadata metadata = parsed.packet.metadata();
    EXPECT_FALSE(metadata.uid || metadata.gid || metadata.vlan_tag || metadata.timestamp ||
                 metadata.conntrack_info || metadata.is_damaged);
}

TEST(ParsePacket, AnAttributeTooSmallForItsTypeIsDamageAndTheRestIsGood) {
    for (const std::uint16_t type : {NFQA_MARK, NFQA_PRIORITY, NFQA_IFINDEX_INDEV, NFQA_IFINDEX_OUTDEV,
                                     NFQA_IFINDEX_PHYSINDEV, NFQA_IFINDEX_PHYSOUTDEV, NFQA_HWADDR, NFQA_UID,
                                     NFQA_GID, NFQA_VLAN, NFQA_TIMESTAMP, NFQA_SKB_INFO, NFQA_CT_INFO}) {
        const auto parsed = parse(PacketMessage()
                                      .header()
                                      .add(type, bytes({1, 2, 3}))
                                      .add(NFQA_PAYLOAD, Bytes(20, std::byte{0x45}))
                                      .finished());
        EXPECT_TRUE(parsed.packet.metadata().is_damaged) << type;
        EXPECT_EQ(parsed.form, PacketForm::whole) << type;
        EXPECT_EQ(parsed.packet.id, 0x01020304U) << type;
        EXPECT_EQ(parsed.packet.payload.size(), 20U) << type;
    }
}

TEST(ParsePacket, ValuesThatCannotBeAreDamage) {
    const auto is_damaged = [](std::uint16_t type, const Bytes& value) {
        return parse(PacketMessage().header().add(type, value).finished()).packet.metadata().is_damaged;
    };
    EXPECT_TRUE(is_damaged(NFQA_HWADDR, bytes({0, 9, 0, 0, 1, 2, 3, 4}))) << "longer than it is";
    // More seconds than a clock has, and more microseconds than a second has.
    EXPECT_TRUE(is_damaged(NFQA_TIMESTAMP, Bytes(16, std::byte{0x7f})));
    EXPECT_TRUE(is_damaged(NFQA_TIMESTAMP, bytes({0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0xf, 0x42, 0x40})));
}

TEST(ParsePacket, ALengthAfterThePayloadIsNoSmallerThanIt) {
    const auto parsed = parse(PacketMessage()
                                  .header()
                                  .add(NFQA_PAYLOAD, Bytes(20, std::byte{0x45}))
                                  .add(NFQA_CAP_LEN, bytes({0, 0, 0, 1}))
                                  .finished());
    EXPECT_EQ(parsed.packet.original_length, 20U);
}

TEST(ParsePacket, WithoutAPacketHeaderThereIsNoId) {
    EXPECT_EQ(parse(PacketMessage().add(NFQA_MARK, bytes({0, 0, 0, 1})).finished()).form,
              PacketForm::without_id);
    EXPECT_EQ(parse(PacketMessage().add(NFQA_PACKET_HDR, bytes({1, 2, 3, 4, 8, 0})).finished()).form,
              PacketForm::without_id);
}

TEST(ParsePacket, ACutOffMessageKeepsItsId) {
    const Bytes whole = PacketMessage().header().add(NFQA_PAYLOAD, Bytes(100, std::byte{0x45})).finished();
    constexpr std::size_t kHeaderEnd = 16 + 4 + 4 + 7;
    for (std::size_t length = 16; length < whole.size(); ++length) {
        const auto parsed = parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
        EXPECT_EQ(parsed.form == PacketForm::without_id, length < kHeaderEnd) << length;
        EXPECT_LE(parsed.packet.payload.size(), parsed.packet.original_length) << length;
    }
}

/// The datagram says that it is this long.
Bytes with_length_said(Bytes datagram) {
    const auto said = static_cast<std::uint32_t>(datagram.size());
    std::memcpy(datagram.data(), &said, sizeof said);
    return datagram;
}

TEST(ParseUsualDatagram, ReadsWhatTheCarefulReaderReads) {
    const Bytes message = PacketMessage()
                              .header()
                              .add(NFQA_MARK, bytes({0, 0, 0, 1}))
                              .add(NFQA_CAP_LEN, bytes({0, 0, 5, 0xdc}))
                              .add(NFQA_PAYLOAD, Bytes(60, std::byte{0x60}))
                              .finished();
    const auto parsed = parse(message);
    Packet packet;
    ASSERT_TRUE(parse_usual_datagram(parsed.message, packet));
    EXPECT_EQ(packet.id, parsed.packet.id);
    EXPECT_EQ(packet.hardware_protocol, parsed.packet.hardware_protocol);
    EXPECT_EQ(packet.hook, parsed.packet.hook);
    EXPECT_EQ(packet.family, parsed.packet.family);
    EXPECT_EQ(packet.original_length, parsed.packet.original_length);
    EXPECT_EQ(packet.payload.data(), parsed.packet.payload.data());
    EXPECT_EQ(packet.payload.size(), parsed.packet.payload.size());
    EXPECT_EQ(packet.attributes.data(), parsed.packet.attributes.data());
    EXPECT_EQ(packet.attributes.size(), parsed.packet.attributes.size());
}

TEST(ParseUsualDatagram, LeavesACutOffOneToTheCarefulReader) {
    const Bytes whole = PacketMessage().header().add(NFQA_PAYLOAD, Bytes(100, std::byte{0x45})).finished();
    constexpr std::size_t kHeaderEnd = 16 + 4 + 4 + 8;
    for (std::size_t length = 16; length < whole.size(); ++length) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        Packet packet;
        EXPECT_FALSE(parse_usual_datagram(cut, packet)) << length;
        EXPECT_EQ(parse_usual_datagram(with_length_said(cut), packet), length == kHeaderEnd) << length;
    }
}

TEST(ParseUsualDatagram, LeavesBytesThatAreNoAttributeToTheCarefulReader) {
    for (std::size_t left = 1; left < 8; ++left) {
        Bytes datagram = PacketMessage().header().finished();
        datagram.resize(datagram.size() + left);
        Packet packet;
        EXPECT_FALSE(parse_usual_datagram(with_length_said(datagram), packet)) << left;
    }
}

}  // namespace
}  // namespace farewell::nfq

// SPDX-License-Identifier: MIT
#include "nfq/packet_parser.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>

#include "netlink/packet_attributes.hpp"

namespace farewell::nfq {
namespace {

using netlink::Attribute;
using netlink::AttributeReader;
using Bytes = std::span<const std::byte>;

constexpr std::size_t kGenericHeader = 4;  // struct nfgenmsg: family, version, resource id in network order
constexpr std::size_t kPacketHeader = 7;   // struct nfqnl_msg_packet_hdr, packed
constexpr std::uint16_t kPacketType = NFNL_SUBSYS_QUEUE << 8U | NFQNL_MSG_PACKET;

/// Whether the attribute is as large as its type must be. Types we do not know are left alone.
bool read_attribute(const Attribute& attribute, Metadata& metadata) {
    const Bytes value = attribute.value;
    switch (attribute.type) {
        case NFQA_MARK:
            return netlink::read_number(value, metadata.mark);
        case NFQA_PRIORITY:
            return netlink::read_number(value, metadata.priority);
        case NFQA_IFINDEX_INDEV:
            return netlink::read_number(value, metadata.input_interface);
        case NFQA_IFINDEX_OUTDEV:
            return netlink::read_number(value, metadata.output_interface);
        case NFQA_IFINDEX_PHYSINDEV:
            return netlink::read_number(value, metadata.physical_input_interface);
        case NFQA_IFINDEX_PHYSOUTDEV:
            return netlink::read_number(value, metadata.physical_output_interface);
        case NFQA_HWADDR:
            return netlink::read_hardware_address(value, metadata.hardware_address);
        case NFQA_UID:
            return netlink::read_number(value, metadata.uid);
        case NFQA_GID:
            return netlink::read_number(value, metadata.gid);
        case NFQA_VLAN:
            return netlink::read_vlan_tag(value, NFQA_VLAN_TCI, metadata.vlan_tag);
        case NFQA_TIMESTAMP:
            return netlink::read_timestamp(value, metadata.timestamp);
        case NFQA_SKB_INFO:
            return netlink::read_number(value, metadata.skb_info);
        case NFQA_CT_INFO:
            return netlink::read_number(value, metadata.conntrack_info);
        case NFQA_CT:
            metadata.conntrack = value;
            return true;
        case NFQA_SECCTX:
            metadata.security_context = value;
            return true;
        case NFQA_L2HDR:
            metadata.link_header = value;
            return true;
        default:
            return true;
    }
}

}  // namespace

Metadata Packet::metadata() const {
    Metadata metadata;
    AttributeReader reader(attributes);
    while (const auto attribute = reader.next()) {
        metadata.is_damaged = !read_attribute(*attribute, metadata) || metadata.is_damaged;
    }
    return metadata;
}

bool is_packet(const netlink::Message& message) {
    return message.type == kPacketType;
}

PacketForm parse_packet(const netlink::Message& message, Packet& packet) {
    const Bytes body = message.body;
    packet = {};
    if (body.size() < kGenericHeader) {
        return PacketForm::without_id;
    }
    packet.family = std::to_integer<std::uint8_t>(body[0]);
    packet.attributes = body.subspan(kGenericHeader);
    bool has_id = false;
    std::size_t told_length = 0;
    std::size_t payload_length = 0;
    AttributeReader attributes(packet.attributes);
    while (const auto attribute = attributes.next()) {
        const Bytes value = attribute->value;
        if (attribute->type == NFQA_PAYLOAD) {
            packet.payload = value;
            payload_length = attribute->full_length;
        } else if (attribute->type == NFQA_CAP_LEN) {
            told_length = netlink::read_be32(value);
        } else if (attribute->type == NFQA_PACKET_HDR && value.size() >= kPacketHeader) {
            has_id = true;
            packet.id = netlink::read_be32(value);
            packet.hardware_protocol = netlink::read_be16(value.subspan(4));
            packet.hook = netlink::hook_of(value[6]);
        }
    }
    // Without NFQA_CAP_LEN the payload was copied whole; only the ring may have cut it.
    packet.original_length = std::max(told_length, payload_length);
    if (!has_id) {
        return PacketForm::without_id;
    }
    return attributes.is_malformed() ? PacketForm::damaged : PacketForm::whole;
}

bool parse_usual_datagram(Bytes datagram, Packet& packet) {
    constexpr std::size_t kBody = netlink::kHeaderBytes + kGenericHeader;
    constexpr std::size_t kHeaderValue = kBody + netlink::kAttributeHeader;
    constexpr std::size_t kNext = kBody + netlink::aligned(netlink::kAttributeHeader + kPacketHeader);
    const std::byte* const bytes = datagram.data();
    const auto u16_at = [bytes](std::size_t at) { return netlink::read_u16({bytes + at, 2}); };
    if (datagram.size() < kNext || netlink::read_u32(datagram) != datagram.size() ||
        u16_at(4) != kPacketType || u16_at(kBody) != netlink::kAttributeHeader + kPacketHeader ||
        u16_at(kBody + 2) != NFQA_PACKET_HDR) {
        return false;
    }
    std::size_t told_length = 0;
    packet.payload = {};
    std::size_t at = kNext;
    while (at + netlink::kAttributeHeader <= datagram.size()) {
        const std::size_t length = u16_at(at);
        // Less than a header's length and more than is left are one comparison: the former wraps around.
        const std::size_t value_length = length - netlink::kAttributeHeader;
        if (value_length > datagram.size() - at - netlink::kAttributeHeader) [[unlikely]] {
            return false;
        }
        const std::uint16_t type = u16_at(at + 2);
        const Bytes value(bytes + at + netlink::kAttributeHeader, value_length);
        if (type == NFQA_PAYLOAD) {
            packet.payload = value;
        } else if (type == NFQA_CAP_LEN) {
            told_length = netlink::read_be32(value);
        }
        at += netlink::aligned(length);
    }
    if (at < datagram.size()) [[unlikely]] {
        return false;  // too little for an attribute is left
    }
    packet.id = netlink::read_be32({bytes + kHeaderValue, 4});
    packet.hardware_protocol = netlink::read_be16({bytes + kHeaderValue + 4, 2});
    packet.hook = netlink::hook_of(bytes[kHeaderValue + 6]);
    packet.family = std::to_integer<std::uint8_t>(bytes[netlink::kHeaderBytes]);
    packet.attributes = datagram.subspan(kBody);
    packet.original_length = std::max(told_length, packet.payload.size());
    return true;
}

}  // namespace farewell::nfq

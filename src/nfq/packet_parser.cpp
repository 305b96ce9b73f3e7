// SPDX-License-Identifier: MIT
#include "nfq/packet_parser.hpp"

#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>

#include "netlink/packet_attributes.hpp"

namespace farewell::nfq {
namespace {

using netlink::Attribute;
using netlink::AttributeReader;
using Bytes = std::span<const std::byte>;

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

}  // namespace farewell::nfq

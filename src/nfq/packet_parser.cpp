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

bool read_packet_header(Bytes value, Packet& packet) {
    if (value.size() < kPacketHeader) {
        return false;
    }
    packet.id = netlink::read_be32(value);
    packet.hardware_protocol = netlink::read_be16(value.subspan(4));
    packet.hook = netlink::hook_of(value[6]);
    return true;
}

bool read_payload(const Attribute& attribute, Packet& packet) {
    packet.payload = attribute.value;
    // Without NFQA_CAP_LEN the payload was copied whole; only the ring may have cut it.
    packet.original_length = std::max(packet.original_length, attribute.full_length);
    return true;
}

bool read_original_length(Bytes value, Packet& packet) {
    const std::size_t length = netlink::read_be32(value);
    packet.original_length = std::max(packet.original_length, length);
    return value.size() >= sizeof(std::uint32_t);
}

/// Whether the attribute is as large as its type must be. Types we do not know are left alone.
bool read_attribute(const Attribute& attribute, Packet& packet) {
    const Bytes value = attribute.value;
    switch (attribute.type) {
        case NFQA_MARK:
            return netlink::read_number(value, packet.mark);
        case NFQA_PRIORITY:
            return netlink::read_number(value, packet.priority);
        case NFQA_IFINDEX_INDEV:
            return netlink::read_number(value, packet.input_interface);
        case NFQA_IFINDEX_OUTDEV:
            return netlink::read_number(value, packet.output_interface);
        case NFQA_IFINDEX_PHYSINDEV:
            return netlink::read_number(value, packet.physical_input_interface);
        case NFQA_IFINDEX_PHYSOUTDEV:
            return netlink::read_number(value, packet.physical_output_interface);
        case NFQA_HWADDR:
            return netlink::read_hardware_address(value, packet.hardware_address);
        case NFQA_UID:
            return netlink::read_number(value, packet.uid);
        case NFQA_GID:
            return netlink::read_number(value, packet.gid);
        case NFQA_VLAN:
            return netlink::read_vlan_tag(value, NFQA_VLAN_TCI, packet.vlan_tag);
        case NFQA_TIMESTAMP:
            return netlink::read_timestamp(value, packet.timestamp);
        case NFQA_SKB_INFO:
            return netlink::read_number(value, packet.skb_info);
        case NFQA_CT_INFO:
            return netlink::read_number(value, packet.conntrack_info);
        case NFQA_CAP_LEN:
            return read_original_length(value, packet);
        case NFQA_PAYLOAD:
            return read_payload(attribute, packet);
        case NFQA_CT:
            packet.conntrack = value;
            return true;
        case NFQA_SECCTX:
            packet.security_context = value;
            return true;
        case NFQA_L2HDR:
            packet.link_header = value;
            return true;
        default:
            return true;
    }
}

}  // namespace

bool is_packet(const netlink::Message& message) {
    return message.type == kPacketType;
}

PacketForm parse_packet(const netlink::Message& message, Packet& packet) {
    if (message.body.size() < kGenericHeader) {
        return PacketForm::without_id;
    }
    packet.family = std::to_integer<std::uint8_t>(message.body[0]);
    bool has_id = false;
    bool is_damaged = false;
    AttributeReader attributes(message.body.subspan(kGenericHeader));
    while (const auto attribute = attributes.next()) {
        if (attribute->type == NFQA_PACKET_HDR) {
            has_id = read_packet_header(attribute->value, packet) || has_id;
        } else if (!read_attribute(*attribute, packet)) {
            is_damaged = true;
        }
    }
    if (!has_id) {
        return PacketForm::without_id;
    }
    return is_damaged || attributes.is_malformed() ? PacketForm::damaged : PacketForm::whole;
}

}  // namespace farewell::nfq

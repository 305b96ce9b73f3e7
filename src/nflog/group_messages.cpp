// SPDX-License-Identifier: MIT
#include "nflog/group_messages.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>

#include "netlink/packet_attributes.hpp"

namespace farewell::nflog {
namespace {

using netlink::Attribute;
using netlink::MessageWriter;
using Bytes = std::span<const std::byte>;

constexpr std::size_t kGenericHeader = 4;  // struct nfgenmsg: family, version, resource id in network order

constexpr std::uint16_t type_of(unsigned message) {
    return static_cast<std::uint16_t>(unsigned{NFNL_SUBSYS_ULOG} << 8U | message);
}

void begin_config(MessageWriter& writer, std::uint16_t number, unsigned flags, std::uint32_t sequence) {
    writer.begin(type_of(NFULNL_MSG_CONFIG), static_cast<std::uint16_t>(unsigned{NLM_F_REQUEST} | flags),
                 sequence);
    writer.put_u8(0);  // AF_UNSPEC
    writer.put_u8(NFNETLINK_V0);
    writer.put_be16(number);
}

void put_gathered(MessageWriter& writer, const Gathered& gathered) {
    writer.attribute_be32(NFULA_CFG_NLBUFSIZ, gathered.bytes);
    writer.attribute_be32(NFULA_CFG_QTHRESH, gathered.packets);
}

void put_command(MessageWriter& writer, std::uint8_t command) {
    writer.attribute(NFULA_CFG_CMD, std::array{static_cast<std::byte>(command)});
}

bool read_packet_header(Bytes value, Packet& packet) {
    // struct nfulnl_msg_packet_hdr: protocol in network order, hook.
    if (value.size() < 3) {
        return false;
    }
    packet.hardware_protocol = netlink::read_be16(value);
    packet.hook = netlink::hook_of(value[2]);
    return true;
}

bool read_prefix(Bytes value, Packet& packet) {
    // Text with its terminating zero.
    const auto* const text = reinterpret_cast<const char*>(value.data());  // NOLINT: bytes as text
    const std::string_view whole(text, value.size());
    packet.prefix = whole.substr(0, whole.find('\0'));
    return packet.prefix.size() < whole.size();
}

/// Whether the attribute is as large as its type must be. Types we do not know are left alone.
bool read_attribute(const Attribute& attribute, Packet& packet) {
    const Bytes value = attribute.value;
    switch (attribute.type) {
        case NFULA_PACKET_HDR:
            return read_packet_header(value, packet);
        case NFULA_PAYLOAD:
            packet.payload = value;
            return true;
        case NFULA_PREFIX:
            return read_prefix(value, packet);
        case NFULA_SEQ:
            return netlink::read_number(value, packet.sequence);
        case NFULA_MARK:
            return netlink::read_number(value, packet.mark);
        case NFULA_IFINDEX_INDEV:
            return netlink::read_number(value, packet.input_interface);
        case NFULA_IFINDEX_OUTDEV:
            return netlink::read_number(value, packet.output_interface);
        case NFULA_IFINDEX_PHYSINDEV:
            return netlink::read_number(value, packet.physical_input_interface);
        case NFULA_IFINDEX_PHYSOUTDEV:
            return netlink::read_number(value, packet.physical_output_interface);
        case NFULA_HWADDR:
            return netlink::read_hardware_address(value, packet.hardware_address);
        case NFULA_HWHEADER:
            packet.link_header = value;
            return true;
        case NFULA_VLAN:
            return netlink::read_vlan_tag(value, NFULA_VLAN_TCI, packet.vlan_tag);
        case NFULA_UID:
            return netlink::read_number(value, packet.uid);
        case NFULA_GID:
            return netlink::read_number(value, packet.gid);
        case NFULA_TIMESTAMP:
            return netlink::read_timestamp(value, packet.timestamp);
        case NFULA_CT:
            packet.conntrack = value;
            return true;
        case NFULA_CT_INFO:
            return netlink::read_number(value, packet.conntrack_info);
        default:
            return true;
    }
}

}  // namespace

void append_bind(MessageWriter& writer, const GroupConfig& config, const Gathered& gathered, bool conntrack,
                 std::uint32_t sequence) {
    begin_config(writer, config.number, NLM_F_ACK, sequence);
    put_command(writer, NFULNL_CFG_CMD_BIND);
    const auto octet = [&config](unsigned shift) {
        return static_cast<std::byte>(config.copy_range >> shift & 0xffU);
    };
    // struct nfulnl_msg_config_mode: copy range in network order, mode, padding. A range of 0 means all there
    // is (nfulnl_set_mode), so that no byte at all is a mode of its own.
    writer.attribute(
        NFULA_CFG_MODE,
        std::array{octet(24), octet(16), octet(8), octet(0),
                   static_cast<std::byte>(config.copy_range > 0 ? NFULNL_COPY_PACKET : NFULNL_COPY_META),
                   std::byte{}});
    constexpr std::chrono::milliseconds kUnit{10};
    const auto timeout = std::max<std::chrono::milliseconds::rep>(1, config.flush_timeout / kUnit);
    writer.attribute_be32(NFULA_CFG_TIMEOUT, static_cast<std::uint32_t>(timeout));
    put_gathered(writer, gathered);
    const unsigned flags = unsigned{NFULNL_CFG_F_SEQ} | (conntrack ? unsigned{NFULNL_CFG_F_CONNTRACK} : 0U);
    writer.attribute(NFULA_CFG_FLAGS,
                     std::array{static_cast<std::byte>(flags >> 8U), static_cast<std::byte>(flags)});
    writer.end();
}

void append_gathered(MessageWriter& writer, std::uint16_t number, const Gathered& gathered) {
    begin_config(writer, number, 0, 0);
    put_gathered(writer, gathered);
    writer.end();
}

void append_unbind(MessageWriter& writer, std::uint16_t number) {
    begin_config(writer, number, 0, 0);
    put_command(writer, NFULNL_CFG_CMD_UNBIND);
    writer.end();
}

bool is_packet(const netlink::Message& message) {
    return message.type == type_of(NFULNL_MSG_PACKET);
}

bool parse_packet(const netlink::Message& message, Packet& packet) {
    if (message.body.size() < kGenericHeader) {
        return false;
    }
    packet.family = std::to_integer<std::uint8_t>(message.body[0]);
    bool whole = !message.truncated;
    netlink::AttributeReader attributes(message.body.subspan(kGenericHeader));
    while (const auto attribute = attributes.next()) {
        whole = read_attribute(*attribute, packet) && whole;
    }
    return whole && !attributes.is_malformed();
}

}  // namespace farewell::nflog

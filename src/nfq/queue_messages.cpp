// SPDX-License-Identifier: MIT
#include "nfq/queue_messages.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>

namespace farewell::nfq {
namespace {

using netlink::Attribute;
using netlink::AttributeReader;
using netlink::MessageWriter;

constexpr std::size_t kGenericHeader = 4;  // struct nfgenmsg: family, version, resource id in network order

constexpr std::uint16_t type_of(unsigned message) {
    return static_cast<std::uint16_t>(unsigned{NFNL_SUBSYS_QUEUE} << 8U | message);
}

void begin(MessageWriter& writer, unsigned message, unsigned flags, std::uint16_t number,
           std::uint32_t sequence) {
    writer.begin(type_of(message), static_cast<std::uint16_t>(unsigned{NLM_F_REQUEST} | flags), sequence);
    writer.put_u8(0);  // AF_UNSPEC
    writer.put_u8(NFNETLINK_V0);
    writer.put_be16(number);
}

void put_command(MessageWriter& writer, std::uint8_t command) {
    // struct nfqnl_msg_config_cmd: command, padding, protocol family (unused since 3.8).
    writer.attribute(NFQA_CFG_CMD,
                     std::array{static_cast<std::byte>(command), std::byte{}, std::byte{}, std::byte{}});
}

void put_parameters(MessageWriter& writer, const QueueConfig& config) {
    const bool payload = config.copy_mode == CopyMode::payload;
    const std::uint32_t range = payload ? config.copy_range : 0;
    const auto octet = [range](unsigned shift) { return static_cast<std::byte>(range >> shift & 0xffU); };
    // struct nfqnl_msg_config_params, packed: copy range in network order, copy mode.
    writer.attribute(NFQA_CFG_PARAMS,
                     std::array{octet(24), octet(16), octet(8), octet(0),
                                static_cast<std::byte>(payload ? NFQNL_COPY_PACKET : NFQNL_COPY_META)});
}

void read_packet_header(std::span<const std::byte> value, Packet& packet) {
    packet.id = netlink::read_be32(value);
    packet.hardware_protocol = netlink::read_be16(value.subspan(4));
    packet.hook = static_cast<Hook>(std::min<std::uint8_t>(std::to_integer<std::uint8_t>(value[6]), 5));
}

std::span<const std::byte> read_hardware_address(std::span<const std::byte> value) {
    // struct nfqnl_msg_packet_hw: length in network order, padding, eight bytes.
    constexpr std::size_t kBegin = 4;
    if (value.size() <= kBegin) {
        return {};
    }
    return value.subspan(kBegin, std::min<std::size_t>(netlink::read_be16(value), value.size() - kBegin));
}

std::optional<std::uint16_t> read_vlan_tag(std::span<const std::byte> value) {
    AttributeReader nested(value);
    while (const auto attribute = nested.next()) {
        if (attribute->type == NFQA_VLAN_TCI) {
            return netlink::read_be16(attribute->value);
        }
    }
    return std::nullopt;
}

void read_attribute(const Attribute& attribute, Packet& packet) {
    const auto number = [&attribute] { return netlink::read_be32(attribute.value); };
    switch (attribute.type) {
        case NFQA_MARK:
            packet.mark = number();
            break;
        case NFQA_PRIORITY:
            packet.priority = number();
            break;
        case NFQA_IFINDEX_INDEV:
            packet.input_interface = number();
            break;
        case NFQA_IFINDEX_OUTDEV:
            packet.output_interface = number();
            break;
        case NFQA_IFINDEX_PHYSINDEV:
            packet.physical_input_interface = number();
            break;
        case NFQA_IFINDEX_PHYSOUTDEV:
            packet.physical_output_interface = number();
            break;
        case NFQA_HWADDR:
            packet.hardware_address = read_hardware_address(attribute.value);
            break;
        case NFQA_UID:
            packet.uid = number();
            break;
        case NFQA_GID:
            packet.gid = number();
            break;
        case NFQA_VLAN:
            packet.vlan_tag = read_vlan_tag(attribute.value);
            break;
        case NFQA_SKB_INFO:
            packet.skb_info = number();
            break;
        case NFQA_CAP_LEN:
            packet.original_length = number();
            break;
        case NFQA_PAYLOAD:
            packet.payload = attribute.value;
            // Without NFQA_CAP_LEN the payload was copied whole; only the ring may have cut it.
            packet.original_length = std::max(packet.original_length, attribute.full_length);
            break;
        default:
            break;
    }
}

}  // namespace

std::uint32_t wanted_flags(const QueueConfig& config) {
    std::uint32_t flags = 0;
    flags |= config.fail_open ? std::uint32_t{NFQA_CFG_F_FAIL_OPEN} : 0;
    flags |= config.conntrack ? std::uint32_t{NFQA_CFG_F_CONNTRACK} : 0;
    flags |= config.gso ? std::uint32_t{NFQA_CFG_F_GSO} : 0;
    flags |= config.uid_gid ? std::uint32_t{NFQA_CFG_F_UID_GID} : 0;
    flags |= config.security_context ? std::uint32_t{NFQA_CFG_F_SECCTX} : 0;
    return flags;
}

void append_bind(MessageWriter& writer, const QueueConfig& config, std::uint32_t flags,
                 std::uint32_t sequence) {
    begin(writer, NFQNL_MSG_CONFIG, NLM_F_ACK, config.number, sequence);
    put_command(writer, NFQNL_CFG_CMD_BIND);
    put_parameters(writer, config);
    writer.attribute_be32(NFQA_CFG_QUEUE_MAXLEN, config.max_length);
    if (flags != 0) {
        writer.attribute_be32(NFQA_CFG_FLAGS, flags);
        writer.attribute_be32(NFQA_CFG_MASK, flags);
    }
    writer.end();
}

void append_unbind(MessageWriter& writer, std::uint16_t number, std::uint32_t sequence) {
    begin(writer, NFQNL_MSG_CONFIG, NLM_F_ACK, number, sequence);
    put_command(writer, NFQNL_CFG_CMD_UNBIND);
    writer.end();
}

void append_noop(MessageWriter& writer, std::uint32_t sequence) {
    writer.begin(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, sequence);
    writer.end();
}

void append_verdict_up_to(MessageWriter& writer, std::uint16_t number, std::uint32_t id,
                          const Verdict& verdict) {
    begin(writer, NFQNL_MSG_VERDICT_BATCH, 0, number, 0);
    // struct nfqnl_msg_verdict_hdr: verdict and id in network order.
    std::array<std::byte, 8> header{};
    for (unsigned i = 0; i < 4; ++i) {
        header.at(i) = static_cast<std::byte>(verdict.code() >> (24 - 8 * i) & 0xffU);
        header.at(4 + i) = static_cast<std::byte>(id >> (24 - 8 * i) & 0xffU);
    }
    writer.attribute(NFQA_VERDICT_HDR, header);
    if (verdict.mark()) {
        writer.attribute_be32(NFQA_MARK, *verdict.mark());
    }
    writer.end();
}

bool is_packet(const netlink::Message& message) {
    return message.type == type_of(NFQNL_MSG_PACKET);
}

std::optional<Packet> parse_packet(const netlink::Message& message) {
    if (message.body.size() < kGenericHeader) {
        return std::nullopt;
    }
    Packet packet;
    bool has_id = false;
    AttributeReader attributes(message.body.subspan(kGenericHeader));
    while (const auto attribute = attributes.next()) {
        constexpr std::size_t kPacketHeader = 7;  // struct nfqnl_msg_packet_hdr, packed
        if (attribute->type == NFQA_PACKET_HDR) {
            if (attribute->value.size() < kPacketHeader) {
                return std::nullopt;
            }
            read_packet_header(attribute->value, packet);
            has_id = true;
        } else {
            read_attribute(*attribute, packet);
        }
    }
    if (!has_id) {
        return std::nullopt;
    }
    // The kernel sends the length before the payload; other bytes may do otherwise.
    packet.original_length = std::max(packet.original_length, packet.payload.size());
    return packet;
}

std::optional<Acknowledgement> parse_acknowledgement(const netlink::Message& message) {
    // struct nlmsgerr: minus errno, then the header of the message it answers.
    constexpr std::size_t kSequenceAt = 4 + 8;
    if (message.type != NLMSG_ERROR || message.body.size() < kSequenceAt + 4) {
        return std::nullopt;
    }
    return Acknowledgement{
        .errno_number =
            static_cast<int>(0U - netlink::read_u32(message.body)),  // unsigned: any bytes may come
        .sequence = netlink::read_u32(message.body.subspan(kSequenceAt)),
    };
}

}  // namespace farewell::nfq

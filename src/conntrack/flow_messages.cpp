// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/flow_messages.hpp"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>

namespace farewell::conntrack {
namespace {

using netlink::AttributeReader;
using Bytes = std::span<const std::byte>;

constexpr std::size_t kHeaderBytes = 4;  // struct nfgenmsg
constexpr std::uint32_t kAssured = IPS_SEEN_REPLY | IPS_ASSURED;
// The part of a tuple that a filter compares: nf_internals.h of the kernel, known to no uapi header.
constexpr std::uint32_t kCompareSource = 1U << 0U;

constexpr std::uint16_t type_of(std::uint16_t message) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8U) | message;
}

constexpr std::uint16_t nested(std::uint16_t attribute) {
    return attribute | NLA_F_NESTED;
}

std::uint8_t number_of(core::Family family) {
    return family == core::Family::ipv4 ? AF_INET : AF_INET6;
}

void begin(netlink::MessageWriter& writer, std::uint16_t message, std::uint16_t flags, core::Family family,
           std::uint32_t sequence) {
    writer.begin(type_of(message), NLM_F_REQUEST | flags, sequence);
    writer.put_u8(number_of(family));
    writer.put_u8(NFNETLINK_V0);
    writer.put_be16(0);
}

/// One attribute as bytes, to be the value of another.
std::vector<std::byte> packed(std::uint16_t type, Bytes value) {
    const auto length = static_cast<std::uint16_t>(netlink::kAttributeHeader + value.size());
    const auto head = std::bit_cast<std::array<std::byte, 4>>(std::array<std::uint16_t, 2>{length, type});
    std::vector<std::byte> bytes(netlink::aligned(length));
    std::ranges::copy(head, bytes.begin());
    std::ranges::copy(value, bytes.begin() + head.size());
    return bytes;
}

/// The kernel compares those parts of the tuple that the flags name, and no more.
void append_source_filter(netlink::MessageWriter& writer, const core::Address& source) {
    const std::uint16_t type = source.family() == core::Family::ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
    const auto flags = [](std::uint16_t attribute, std::uint32_t value) {
        return packed(attribute, std::as_bytes(std::span(&value, 1)));
    };
    std::vector<std::byte> both = flags(CTA_FILTER_ORIG_FLAGS, kCompareSource);
    const std::vector<std::byte> none = flags(CTA_FILTER_REPLY_FLAGS, 0);
    both.insert(both.end(), none.begin(), none.end());
    writer.attribute(nested(CTA_TUPLE_ORIG), packed(nested(CTA_TUPLE_IP), packed(type, source.bytes())));
    writer.attribute(nested(CTA_FILTER), both);
}

std::optional<core::Address> source_of_ip(Bytes ip) {
    AttributeReader reader(ip);
    while (const auto attribute = reader.next()) {
        if (attribute->type == CTA_IP_V4_SRC && attribute->value.size() == 4) {
            return core::Address::ipv4(attribute->value.first<4>());
        }
        if (attribute->type == CTA_IP_V6_SRC && attribute->value.size() == 16) {
            return core::Address::ipv6(attribute->value.first<16>());
        }
    }
    return std::nullopt;
}

struct Tuple {
    std::optional<core::Address> source;
    std::uint8_t protocol = 0;
};

std::uint8_t first_byte(Bytes bytes) {
    return bytes.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(bytes[0]);
}

/// The first byte of an attribute within.
std::uint8_t byte_within(Bytes attributes, std::uint16_t type) {
    AttributeReader reader(attributes);
    while (const auto attribute = reader.next()) {
        if (attribute->type == type) {
            return first_byte(attribute->value);
        }
    }
    return 0;
}

Tuple parse_tuple(Bytes value) {
    Tuple tuple;
    AttributeReader reader(value);
    while (const auto attribute = reader.next()) {
        if (attribute->type == CTA_TUPLE_IP) {
            tuple.source = source_of_ip(attribute->value);
        } else if (attribute->type == CTA_TUPLE_PROTO) {
            tuple.protocol = byte_within(attribute->value, CTA_PROTO_NUM);
        }
    }
    return tuple;
}

std::uint8_t parse_tcp_state(Bytes protocol_information) {
    AttributeReader reader(protocol_information);
    while (const auto attribute = reader.next()) {
        if (attribute->type == CTA_PROTOINFO_TCP) {
            return byte_within(attribute->value, CTA_PROTOINFO_TCP_STATE);
        }
    }
    return 0;
}

std::vector<std::byte> copy_of(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

void append_flow_question(netlink::MessageWriter& writer, const Filter& filter, std::uint32_t sequence) {
    begin(writer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, filter.family, sequence);
    if (filter.only_assured) {
        writer.attribute_be32(CTA_STATUS, kAssured);
        writer.attribute_be32(CTA_STATUS_MASK, kAssured);
    }
    if (filter.by_tuple && filter.opened_by) {
        append_source_filter(writer, *filter.opened_by);
    }
    writer.end();
}

std::optional<Flow> parse_flow(const netlink::Message& message) {
    if (message.type != type_of(IPCTNL_MSG_CT_NEW) || message.truncated ||
        message.body.size() < kHeaderBytes) {
        return std::nullopt;
    }
    Flow flow;
    Tuple original;
    Tuple reply;
    AttributeReader reader(message.body.subspan(kHeaderBytes));
    while (const auto attribute = reader.next()) {
        switch (attribute->type) {
            case CTA_TUPLE_ORIG:
                original = parse_tuple(attribute->value);
                flow.tuple = copy_of(attribute->value);
                break;
            case CTA_TUPLE_REPLY:
                reply = parse_tuple(attribute->value);
                break;
            case CTA_STATUS:
                flow.status = netlink::read_be32(attribute->value);
                break;
            case CTA_PROTOINFO:
                flow.tcp_state = parse_tcp_state(attribute->value);
                break;
            case CTA_ID:
                flow.id = copy_of(attribute->value);
                break;
            case CTA_ZONE:
                flow.zone = copy_of(attribute->value);
                break;
            default:
                break;
        }
    }
    if (reader.is_malformed() || !original.source || !reply.source ||
        flow.id.size() != sizeof(std::uint32_t)) {
        return std::nullopt;
    }
    flow.family = original.source->family();
    flow.opened_by = *original.source;
    flow.answered_from = *reply.source;
    flow.protocol = original.protocol;
    return flow;
}

bool append_removal(netlink::MessageWriter& writer, const Flow& flow, std::uint32_t sequence,
                    bool is_answered) {
    if (flow.tuple.empty()) {
        return false;
    }
    begin(writer, IPCTNL_MSG_CT_DELETE, is_answered ? NLM_F_ACK : 0, flow.family, sequence);
    writer.attribute(nested(CTA_TUPLE_ORIG), flow.tuple);
    writer.attribute(CTA_ID, flow.id);
    if (!flow.zone.empty()) {
        writer.attribute(CTA_ZONE, flow.zone);
    }
    writer.end();
    return true;
}

bool is_over(const Flow& flow) {
    // Not by a reset, which ends in CLOSE: our host's own to an acknowledgement that was guessed ends there
    // as well, and the kernel's window lets one in 65,000 of those complete a handshake.
    return flow.protocol == IPPROTO_TCP && (flow.status & kAssured) == kAssured &&
           (flow.tcp_state == TCP_CONNTRACK_LAST_ACK || flow.tcp_state == TCP_CONNTRACK_TIME_WAIT);
}

bool is_standing(const Flow& flow) {
    return (flow.status & kAssured) == kAssured && !is_over(flow) &&
           (flow.protocol != IPPROTO_TCP || flow.tcp_state != TCP_CONNTRACK_CLOSE);
}

}  // namespace farewell::conntrack

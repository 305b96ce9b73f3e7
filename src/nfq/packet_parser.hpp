// SPDX-License-Identifier: MIT
// From the bytes of an NFQNL_MSG_PACKET message to a Packet. Pure; nothing is copied.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <farewell/nfq/packet.hpp>
#include <span>

#include "netlink/message.hpp"
#include "netlink/packet_attributes.hpp"

namespace farewell::nfq {

inline constexpr std::size_t kGenericHeader =
    4;  // struct nfgenmsg: family, version, resource id in network order
inline constexpr std::size_t kPacketHeader = 7;  // struct nfqnl_msg_packet_hdr, packed
inline constexpr std::uint16_t kPacketType = NFNL_SUBSYS_QUEUE << 8U | NFQNL_MSG_PACKET;

enum class PacketForm : std::uint8_t {
    whole,
    damaged,     ///< an attribute is cut off; the id and what came before are good
    without_id,  ///< no packet header, so no verdict can name it
};

[[nodiscard]] bool is_packet(const netlink::Message& message);

/// Fills a Packet with views into the message, whatever bytes those are.
[[nodiscard]] PacketForm parse_packet(const netlink::Message& message, Packet& packet);

/// An attribute's header as it lies in memory: length and type.
constexpr std::uint32_t attribute_word(std::uint16_t type, std::size_t value_length) {
    return std::bit_cast<std::uint32_t>(
        std::array{static_cast<std::uint16_t>(netlink::kAttributeHeader + value_length), type});
}

/// parse_packet() for a datagram as every kernel sends it: one packet message and nothing else, its packet
/// header first, nothing cut off. False, and `packet` half written, for anything else. Inline: these few
/// instructions are most of what a packet costs.
[[nodiscard, gnu::always_inline]] inline bool parse_usual_datagram(std::span<const std::byte> datagram,
                                                                   Packet& packet) {
    constexpr std::size_t kBody = netlink::kHeaderBytes + kGenericHeader;
    constexpr std::size_t kHeaderValue = kBody + netlink::kAttributeHeader;
    constexpr std::size_t kNext = kBody + netlink::aligned(netlink::kAttributeHeader + kPacketHeader);
    const std::byte* const bytes = datagram.data();
    const std::size_t size = datagram.size();
    const auto u16_at = [bytes](std::size_t at) { return netlink::read_u16({bytes + at, 2}); };
    const auto u32_at = [bytes](std::size_t at) { return netlink::read_u32({bytes + at, 4}); };
    if (size < kNext || u32_at(0) != size || u16_at(4) != kPacketType ||
        u32_at(kBody) != attribute_word(NFQA_PACKET_HDR, kPacketHeader)) {
        return false;
    }
    std::size_t at = kNext;
    // What most packets begin with costs a comparison each.
    constexpr std::size_t kInterface = netlink::kAttributeHeader + 4;
    constexpr std::size_t kHardwareAddress = netlink::kAttributeHeader + 12;
    if (size >= kNext + kInterface + kHardwareAddress + netlink::kAttributeHeader) {
        at += u32_at(at) == attribute_word(NFQA_IFINDEX_INDEV, 4) ? kInterface : 0;
        at += u32_at(at) == attribute_word(NFQA_HWADDR, 12) ? kHardwareAddress : 0;
    }
    std::span<const std::byte> payload;
    std::size_t told_length = 0;
    while (at <= size - netlink::kAttributeHeader) {
        const std::size_t length = u16_at(at);
        const std::size_t end = at + length;
        if (length < netlink::kAttributeHeader || end > size) [[unlikely]] {
            return false;
        }
        const std::span value(bytes + at + netlink::kAttributeHeader, length - netlink::kAttributeHeader);
        const std::uint16_t type = u16_at(at + 2);
        if (type == NFQA_PAYLOAD) {
            payload = value;
        } else if (type == NFQA_CAP_LEN) {
            told_length = netlink::read_be32(value);
        }
        at = netlink::aligned(end);
    }
    if (at < size) [[unlikely]] {
        return false;  // too little for an attribute is left
    }
    packet.id = netlink::read_be32({bytes + kHeaderValue, 4});
    packet.hardware_protocol = netlink::read_be16({bytes + kHeaderValue + 4, 2});
    packet.hook = netlink::hook_of(bytes[kHeaderValue + 6]);
    packet.family = std::to_integer<std::uint8_t>(bytes[netlink::kHeaderBytes]);
    packet.payload = payload;
    packet.attributes = datagram.subspan(kBody);
    packet.original_length = std::max(told_length, payload.size());
    return true;
}

}  // namespace farewell::nfq

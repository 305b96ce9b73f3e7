// SPDX-License-Identifier: MIT
// From the bytes of an NFQNL_MSG_PACKET message to a Packet. Pure; nothing is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <farewell/nfq/packet.hpp>
#include <span>

#include "netlink/message.hpp"

namespace farewell::nfq {

enum class PacketForm : std::uint8_t {
    whole,
    damaged,     ///< an attribute is cut off; the id and what came before are good
    without_id,  ///< no packet header, so no verdict can name it
};

[[nodiscard]] bool is_packet(const netlink::Message& message);

/// Fills a Packet with views into the message, whatever bytes those are.
[[nodiscard]] PacketForm parse_packet(const netlink::Message& message, Packet& packet);

/// The same for a datagram as every kernel sends it: one packet message and nothing else, its packet header
/// first, nothing cut off. False, and `packet` half written, for anything else. These few instructions are
/// most of what a packet costs.
[[nodiscard]] bool parse_usual_datagram(std::span<const std::byte> datagram, Packet& packet);

}  // namespace farewell::nfq

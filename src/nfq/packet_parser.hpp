// SPDX-License-Identifier: MIT
// From the bytes of an NFQNL_MSG_PACKET message to a Packet. Pure; nothing is copied.
#pragma once

#include <cstdint>
#include <farewell/nfq/packet.hpp>

#include "netlink/message.hpp"

namespace farewell::nfq {

enum class PacketForm : std::uint8_t {
    whole,
    damaged,     ///< some attribute is cut off or too small; the id and the other attributes are good
    without_id,  ///< no packet header, so no verdict can name it
};

[[nodiscard]] bool is_packet(const netlink::Message& message);

/// Fills a fresh Packet with views into the message.
[[nodiscard]] PacketForm parse_packet(const netlink::Message& message, Packet& packet);

}  // namespace farewell::nfq

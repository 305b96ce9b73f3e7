// SPDX-License-Identifier: GPL-2.0-or-later
// From a captured frame to the IP packet inside it. Reads nothing outside the span, assumes nothing about it,
// allocates nothing. Live packets never come this way: queues and log groups hand out IP packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "core/classify.hpp"

namespace farewell::source {

/// The IP packet of a frame, a view into it.
struct FramedPacket {
    std::span<const std::byte> bytes;
    std::size_t offset = 0;  ///< bytes of the frame before the packet
    core::LinkDestination destination = core::LinkDestination::unknown;
};

/// Why a frame holds no IP packet that can be looked at.
enum class NoPacket : std::uint8_t {
    not_ip,     ///< ARP, spanning tree, an encrypted or damaged radio frame, …
    cut_short,  ///< it ends inside its link-layer header
};

/// Whether frames of this type can be looked into. `link_type` is libpcap's: DLT_EN10MB and so on.
[[nodiscard]] bool is_supported_link(int link_type);

/// not_ip for every frame of a type that is not supported.
[[nodiscard]] std::expected<FramedPacket, NoPacket> ip_packet_of(int link_type,
                                                                 std::span<const std::byte> frame);

}  // namespace farewell::source

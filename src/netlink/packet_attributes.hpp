// SPDX-License-Identifier: MIT
// The attributes that nfnetlink_queue and nfnetlink_log have in common, as bytes. Each function says whether
// the value is as large as it must be, and leaves its target alone where it is not. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <farewell/metadata.hpp>
#include <optional>
#include <span>

namespace farewell::netlink {

/// Network order.
bool read_number(std::span<const std::byte> value, std::uint32_t& number);
bool read_number(std::span<const std::byte> value, std::optional<std::uint32_t>& number);
/// struct nfqnl_msg_packet_hw and nfulnl_msg_packet_hw, which are the same.
bool read_hardware_address(std::span<const std::byte> value, std::span<const std::byte>& address);
/// The TCI within a nested attribute: `type` is NFQA_VLAN_TCI or NFULA_VLAN_TCI.
bool read_vlan_tag(std::span<const std::byte> value, std::uint16_t type, std::optional<std::uint16_t>& tag);
/// struct nfqnl_msg_packet_timestamp and nfulnl_msg_packet_timestamp, which are the same.
bool read_timestamp(std::span<const std::byte> value, std::optional<Timestamp>& timestamp);
/// The hook's number; one that is none of ours reads as ingress.
[[nodiscard]] inline Hook hook_of(std::byte number) {
    return static_cast<Hook>(std::min(std::to_integer<std::uint8_t>(number), std::uint8_t{5}));
}

}  // namespace farewell::netlink

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/fingerprint.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace farewell::core {
namespace {

// Kinds of TCP options (IANA, TCP Option Kind Numbers).
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kMaximumSegmentSize = 2;
constexpr std::uint8_t kWindowScale = 3;
constexpr std::uint8_t kSackPermitted = 4;
constexpr std::uint8_t kTimestamps = 8;

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t index) {
    return std::to_integer<std::uint8_t>(bytes[index]);
}

/// One maximum segment size and nothing else.
bool is_only_segment_size(std::span<const std::byte> options) {
    return options.size() == 4 && byte_at(options, 0) == kMaximumSegmentSize && byte_at(options, 1) == 4;
}

/// MSS, SACK permitted, timestamps with no echo, no-operation, window scale: in this order, as Linux has it.
bool are_like_linux(std::span<const std::byte> options) {
    if (options.size() != 20) {
        return false;
    }
    constexpr std::size_t kEcho = 12;
    for (std::size_t i = kEcho; i < kEcho + 4; ++i) {
        if (options[i] != std::byte{0}) {
            return false;
        }
    }
    return byte_at(options, 0) == kMaximumSegmentSize && byte_at(options, 4) == kSackPermitted &&
           byte_at(options, 6) == kTimestamps && byte_at(options, 16) == kNoOperation &&
           byte_at(options, 17) == kWindowScale;
}

std::uint32_t last_four_bytes(const Address& address) {
    const std::span<const std::byte> bytes = address.bytes().last(4);
    return std::uint32_t{byte_at(bytes, 0)} << 24U | std::uint32_t{byte_at(bytes, 1)} << 16U |
           std::uint32_t{byte_at(bytes, 2)} << 8U | byte_at(bytes, 3);
}

bool is_ipv4(const Packet& packet) {
    return packet.source.family() == Family::ipv4;
}

/// masscan, src/templ-pkt.c (read): id = destination ^ port ^ sequence number.
bool has_id_of_masscan(const Packet& packet) {
    const auto id = static_cast<std::uint16_t>(last_four_bytes(packet.destination) ^ packet.destination_port ^
                                               packet.tcp_sequence);
    return is_ipv4(packet) && packet.tcp_window == 1024 && packet.ipv4_id == id;
}

/// nmap picks one of four windows for a SYN (scan_engine_raw.cc, read); all else it sends with 1024.
bool has_window_of_nmap(const Packet& packet) {
    return packet.tcp_window == 1024 || packet.tcp_window == 2048 || packet.tcp_window == 3072 ||
           packet.tcp_window == 4096;
}

Tool tool_of_syn(const Packet& packet) {
    if (has_id_of_masscan(packet)) {
        return Tool::masscan;
    }
    if (is_ipv4(packet) && packet.ipv4_id == 54321 && packet.tcp_window == 65535) {
        return Tool::zmap;
    }
    if (is_ipv4(packet) && packet.tcp_sequence == last_four_bytes(packet.destination)) {
        return Tool::mirai;
    }
    if (packet.tcp_options.empty()) {
        return packet.tcp_window == 512 ? Tool::hping3 : Tool::raw;
    }
    if (is_only_segment_size(packet.tcp_options) && has_window_of_nmap(packet)) {
        return Tool::nmap;
    }
    if (is_ipv4(packet) && packet.tcp_window == 65535 && are_like_linux(packet.tcp_options)) {
        return Tool::zmap_modern;
    }
    return Tool::none;
}

}  // namespace

std::string_view name_of(Tool tool) {
    constexpr std::array<std::string_view, kTools> kNames{"none",        "nmap",   "masscan", "zmap",
                                                          "zmap_modern", "hping3", "mirai",   "raw"};
    return kNames.at(static_cast<std::size_t>(tool));
}

Tool tool_of(const Packet& packet) {
    // All these tools leave DF clear; ordinary stacks set it on TCP over IPv4.
    if (packet.protocol != protocol::kTcp || !packet.has_whole_header || packet.dont_fragment) {
        return Tool::none;
    }
    if ((packet.tcp_flags & tcp_flag::kSyn) != 0 && (packet.tcp_flags & tcp_flag::kAck) == 0) {
        return tool_of_syn(packet);
    }
    if (!packet.tcp_options.empty() || packet.payload_length > 0) {
        return Tool::none;
    }
    if (packet.tcp_window == 1024) {
        return Tool::nmap;
    }
    return packet.tcp_window == 512 ? Tool::hping3 : Tool::none;
}

}  // namespace farewell::core

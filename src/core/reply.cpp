// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/reply.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace farewell::core {
namespace {

using Bytes = std::span<const std::byte>;

std::uint8_t byte_at(Bytes bytes, std::size_t index) {
    return index < bytes.size() ? std::to_integer<std::uint8_t>(bytes[index]) : std::uint8_t{0};
}

bool begins_with(Bytes payload, std::string_view text) {
    return payload.size() >= text.size() &&
           std::ranges::equal(payload.first(text.size()), text, [](std::byte byte, char letter) {
               return std::to_integer<char>(byte) == letter;
           });
}

/// DNS, multicast DNS, LLMNR and NetBIOS names share a header whose QR bit says "response" (RFC 1035, 4.1.1).
bool is_dns_response(Bytes payload) {
    return payload.size() >= 12 && (byte_at(payload, 2) & 0x80U) != 0;
}

/// Modes symmetric passive, server and broadcast, and answers to control messages (RFC 5905, 7.3; RFC 9327).
bool is_ntp_response(Bytes payload) {
    const unsigned mode = byte_at(payload, 0) & 0x07U;
    const bool is_control_response = mode == 6 && (byte_at(payload, 1) & 0x80U) != 0;
    return payload.size() >= 12 && (mode == 2 || mode == 4 || mode == 5 || is_control_response);
}

/// QUIC: the fixed bit (RFC 9000, 17). DTLS: a record of a known kind (RFC 9147, 4).
bool is_quic_or_dtls(Bytes payload) {
    const unsigned first = byte_at(payload, 0);
    return !payload.empty() && ((first & 0x40U) != 0 || (first >= 20 && first <= 26));
}

/// Success and error classes (RFC 8489, 5), or channel data and media that a relay passes on.
bool is_stun_response(Bytes payload) {
    const unsigned first = byte_at(payload, 0);
    const unsigned type = first << 8U | byte_at(payload, 1);
    const bool is_stun = payload.size() >= 20 && first < 4;
    return is_stun ? (type & 0x0100U) != 0 : first >= 0x40;
}

/// The response bit (RFC 7296, 3.1), behind four zero bytes on port 4500; other first bytes there are ESP.
bool is_ike_response(Bytes payload, bool has_marker) {
    constexpr std::size_t kFlags = 19;
    if (has_marker) {
        const bool is_ike = payload.size() > 4 && std::ranges::all_of(payload.first(4), [](std::byte byte) {
                                return byte == std::byte{0};
                            });
        if (!is_ike) {
            return payload.size() > 8;
        }
        payload = payload.subspan(4);
    }
    return payload.size() >= 28 && (byte_at(payload, kFlags) & 0x20U) != 0;
}

/// SEQUENCE, version, community, then the kind of message: GetResponse or Report (RFC 3416, 3). Lengths of
/// one byte, as every small answer has them, or of the long form's first two.
bool is_snmp_response(Bytes payload) {
    std::size_t at = byte_at(payload, 1) < 0x80U ? 2 : 2 + (byte_at(payload, 1) & 0x7fU);
    for (int skipped = 0; skipped < 2 && at + 1 < payload.size(); ++skipped) {
        at += std::size_t{2} + byte_at(payload, at + 1);
    }
    const unsigned kind = byte_at(payload, at);
    return byte_at(payload, 0) == 0x30 && (kind == 0xa2 || kind == 0xa8);
}

bool is_answer_by_content(std::uint16_t from, Bytes payload) {
    switch (from) {
        case 53:
        case 137:
        case 5353:
        case 5355:
            return is_dns_response(payload);
        case 123:
            return is_ntp_response(payload);
        case 443:
        case 853:
            return is_quic_or_dtls(payload);
        case 161:
            return is_snmp_response(payload);
        case 500:
            return is_ike_response(payload, false);
        case 4500:
            return is_ike_response(payload, true);
        case 1900:
            return begins_with(payload, "HTTP/");
        case 3702:
            return begins_with(payload, "<");
        case 3478:
            return is_stun_response(payload);
        default:
            return false;
    }
}

}  // namespace

bool is_reply(const Packet& packet, const Knowledge& knowledge) {
    // A client asks from a port above the well-known ones; a resolver that picks its own, from any of them.
    constexpr std::uint16_t kFirstClientPort = 1024;
    if (packet.destination_port < kFirstClientPort || packet.payload.empty()) {
        return false;
    }
    if (is_answer_by_content(packet.source_port, packet.payload)) {
        return true;
    }
    // What speaks from a well-known port to a port that only clients of ours use, and says something,
    // answers.
    return packet.source_port < kFirstClientPort && knowledge.is_ephemeral(packet.destination_port);
}

}  // namespace farewell::core

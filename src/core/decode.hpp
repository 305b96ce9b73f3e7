// SPDX-License-Identifier: GPL-2.0-or-later
// From the bytes of one IP packet to its addresses and transport fields. Reads nothing outside the
// span, assumes nothing about it, allocates nothing. Whether the packet is a probe is classify.hpp's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "core/address.hpp"

namespace farewell::core {

/// IP protocol numbers (IANA) that the core knows by name; any other number is as good.
namespace protocol {
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmpv6 = 58;
inline constexpr std::uint8_t kSctp = 132;
inline constexpr std::uint8_t kUdpLite = 136;
}  // namespace protocol

/// TCP flags as they stand in byte 13 of the header (RFC 9293, 3.1).
namespace tcp_flag {
inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kUrg = 0x20;
}  // namespace tcp_flag

/// Where a packet stands among the fragments of its datagram (RFC 791; RFC 8200, 4.5).
enum class Fragment : std::uint8_t {
    whole,  ///< not a fragment, or an atomic one (RFC 6946)
    first,  ///< offset 0 and more to come
    later,  ///< offset above 0: no transport header inside
};

/// One decoded packet. Ports are 0 where the protocol has none or a later fragment hides them.
struct Packet {
    Address source;
    Address destination;
    std::uint8_t protocol = 0;  ///< the last header's number, past all IPv6 extension headers
    std::uint8_t ttl = 0;       ///< TTL or hop limit
    Fragment fragment = Fragment::whole;
    std::uint16_t ipv4_id = 0;      ///< IPv4 only: the identification field
    bool dont_fragment = false;     ///< IPv4 only: the DF bit
    bool has_ports = false;         ///< the two ports below were read
    bool has_whole_header = false;  ///< of the transport; false for a first fragment that ends inside it
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t tcp_flags = 0;                ///< TCP only
    std::uint16_t tcp_window = 0;              ///< TCP only
    std::uint32_t tcp_sequence = 0;            ///< TCP only
    std::span<const std::byte> tcp_options{};  ///< TCP only: as they stand, as far as they were copied
    bool has_sctp_chunk = false;               ///< SCTP only: the type of the first chunk was read
    std::uint8_t sctp_chunk = 0;               ///< that type (RFC 9260, 3.2): 1 is INIT
    std::span<const std::byte> payload{};      ///< behind the transport header, as far as it was copied
    std::size_t payload_length = 0;            ///< how much there was before the copy was cut
};

/// Why a packet could not be decoded. Counted by kind, never fatal.
enum class DecodeError : std::uint8_t {
    empty,                ///< no bytes at all (metadata-only copy)
    not_ip,               ///< the version is neither 4 nor 6
    cut_short,            ///< the copy range ended before the transport header: raise it
    truncated,            ///< the packet itself ends inside a header
    bad_header_length,    ///< IPv4 IHL below 5, TCP data offset below 5 or past the end
    bad_total_length,     ///< IPv4 total length shorter than its header
    too_many_extensions,  ///< more IPv6 extension headers than kMaxExtensionHeaders
};
inline constexpr std::size_t kDecodeErrors = 7;
inline constexpr std::size_t kMaxExtensionHeaders = 16;

/// A word for counters and log lines: "truncated".
[[nodiscard]] std::string_view name_of(DecodeError error);

/// Decodes one packet that begins with its IP header.
/// `original_length` is the packet's length before the kernel cut the copy (bytes.size() if it did not):
/// it tells `cut_short` from `truncated`. Never reads past `bytes`; the payload is a view into it.
[[nodiscard]] std::expected<Packet, DecodeError> decode(std::span<const std::byte> bytes,
                                                        std::size_t original_length);

}  // namespace farewell::core

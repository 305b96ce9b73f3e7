// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/decode.hpp"

#include <algorithm>

namespace farewell::core {
namespace {

constexpr std::size_t kIpv4HeaderMin = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeaderMin = 20;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kSctpHeader = 12;

// Extension headers that carry a next header and their own length (IANA, IPv6 Extension Header Types). ESP
// hides what follows and "no next header" has nothing: both end the chain as a protocol of their own.
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragmentHeader = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr std::uint8_t kMobility = 135;
constexpr std::uint8_t kHostIdentity = 139;
constexpr std::uint8_t kShim6 = 140;

bool is_extension(std::uint8_t header) {
    switch (header) {
        case kHopByHop:
        case kRouting:
        case kFragmentHeader:
        case kAuthentication:
        case kDestinationOptions:
        case kMobility:
        case kHostIdentity:
        case kShim6:
            return true;
        default:
            return false;
    }
}

/// Bytes from the front, asked for one by one; "no" is an answer, and it knows why.
class Reader {
 public:
    /// `length` is how long the packet says it is; what it says beyond the copy is cut short, not truncated.
    Reader(std::span<const std::byte> copied, std::size_t length)
        : bytes_(copied), missing_(length - copied.size()) {}

    [[nodiscard]] bool has(std::size_t count) const { return bytes_.size() >= count; }
    [[nodiscard]] DecodeError why_not(std::size_t count) const {
        return bytes_.size() + missing_ >= count ? DecodeError::cut_short : DecodeError::truncated;
    }
    [[nodiscard]] std::uint8_t byte_at(std::size_t offset) const {
        return std::to_integer<std::uint8_t>(bytes_[offset]);
    }
    [[nodiscard]] std::uint16_t word_at(std::size_t offset) const {
        return static_cast<std::uint16_t>(byte_at(offset) << 8U | byte_at(offset + 1));
    }
    [[nodiscard]] std::span<const std::byte> rest() const { return bytes_; }
    /// Goes past `count` bytes, of which those beyond the copy are known to be there but not what they say.
    void skip(std::size_t count) {
        const std::size_t here = std::min(count, bytes_.size());
        bytes_ = bytes_.subspan(here);
        missing_ -= std::min(missing_, count - here);
    }

 private:
    std::span<const std::byte> bytes_;
    std::size_t missing_;
};

using Outcome = std::expected<Packet, DecodeError>;

Outcome fail(DecodeError error) {
    return std::unexpected(error);
}

Outcome decode_tcp(Packet packet, Reader reader) {
    if (!reader.has(kTcpHeaderMin)) {
        return fail(reader.why_not(kTcpHeaderMin));
    }
    const std::size_t header = std::size_t{reader.byte_at(12)} / 16 * 4;
    if (header < kTcpHeaderMin) {
        return fail(DecodeError::bad_header_length);
    }
    // A packet that ends inside its options lies about its header; a copy that does, or a first fragment,
    // does not.
    if (packet.fragment == Fragment::whole && !reader.has(header) &&
        reader.why_not(header) == DecodeError::truncated) {
        return fail(DecodeError::bad_header_length);
    }
    packet.has_ports = true;
    packet.source_port = reader.word_at(0);
    packet.destination_port = reader.word_at(2);
    packet.tcp_flags = reader.byte_at(13) & 0x3fU;
    packet.tcp_window = reader.word_at(14);
    packet.tcp_options = static_cast<std::uint16_t>(header - kTcpHeaderMin);
    reader.skip(header);
    packet.payload = reader.rest();
    return packet;
}

Outcome decode_udp(Packet packet, Reader reader) {
    if (!reader.has(kUdpHeader)) {
        return fail(reader.why_not(kUdpHeader));
    }
    packet.has_ports = true;
    packet.source_port = reader.word_at(0);
    packet.destination_port = reader.word_at(2);
    reader.skip(kUdpHeader);
    packet.payload = reader.rest();
    return packet;
}

Outcome decode_sctp(Packet packet, Reader reader) {
    if (!reader.has(kSctpHeader)) {
        return fail(reader.why_not(kSctpHeader));
    }
    packet.has_ports = true;
    packet.source_port = reader.word_at(0);
    packet.destination_port = reader.word_at(2);
    reader.skip(kSctpHeader);
    if (reader.has(1)) {
        packet.sctp_chunk = reader.byte_at(0);
        packet.has_sctp_chunk = true;
    }
    packet.payload = reader.rest();
    return packet;
}

Outcome decode_transport(Packet packet, const Reader& reader) {
    packet.payload = reader.rest();
    if (packet.fragment == Fragment::later) {
        return packet;
    }
    switch (packet.protocol) {
        case protocol::kTcp:
            return decode_tcp(packet, reader);
        case protocol::kUdp:
        case protocol::kUdpLite:
            return decode_udp(packet, reader);
        case protocol::kSctp:
            return decode_sctp(packet, reader);
        default:
            return packet;
    }
}

Fragment fragment_of(unsigned offset, bool more) {
    if (offset > 0) {
        return Fragment::later;
    }
    return more ? Fragment::first : Fragment::whole;
}

Outcome decode_ipv4(std::span<const std::byte> bytes, std::size_t original_length) {
    Reader reader(bytes, original_length);
    if (!reader.has(kIpv4HeaderMin)) {
        return fail(reader.why_not(kIpv4HeaderMin));
    }
    const std::size_t header = std::size_t{reader.byte_at(0)} % 16 * 4;
    const std::size_t total = reader.word_at(2);
    if (header < kIpv4HeaderMin) {
        return fail(DecodeError::bad_header_length);
    }
    if (total < header) {
        return fail(DecodeError::bad_total_length);
    }
    if (total > original_length) {
        return fail(DecodeError::truncated);
    }
    // What lies beyond the total length is padding of the link, not packet.
    reader = Reader(bytes.first(std::min(bytes.size(), total)), total);
    if (!reader.has(header)) {
        return fail(reader.why_not(header));
    }
    Packet packet;
    packet.source = Address::ipv4(bytes.subspan<12, 4>());
    packet.destination = Address::ipv4(bytes.subspan<16, 4>());
    packet.protocol = reader.byte_at(9);
    packet.ttl = reader.byte_at(8);
    const unsigned fragment = reader.word_at(6);
    packet.fragment = fragment_of(fragment & 0x1fffU, (fragment & 0x2000U) != 0);
    reader.skip(header);
    return decode_transport(packet, reader);
}

/// Walks the chain of extension headers up to the transport header.
std::expected<Reader, DecodeError> skip_extensions(Packet& packet, Reader reader) {
    for (std::size_t count = 0; is_extension(packet.protocol); ++count) {
        if (count == kMaxExtensionHeaders) {
            return std::unexpected(DecodeError::too_many_extensions);
        }
        constexpr std::size_t kShortest =
            8;  // RFC 8200, 4: all are multiples of 8 bytes, AH of 4 and at least 8
        if (!reader.has(kShortest)) {
            return std::unexpected(reader.why_not(kShortest));
        }
        const std::uint8_t header = packet.protocol;
        packet.protocol = reader.byte_at(0);
        std::size_t length = (std::size_t{reader.byte_at(1)} + 1) * 8;
        if (header == kFragmentHeader) {
            const unsigned field = reader.word_at(2);
            packet.fragment = fragment_of(field >> 3U, (field & 1U) != 0);
            length = 8;
        } else if (header == kAuthentication) {
            length = (std::size_t{reader.byte_at(1)} + 2) * 4;  // RFC 4302, 2.2
        }
        if (!reader.has(length)) {
            return std::unexpected(reader.why_not(length));
        }
        reader.skip(length);
        if (packet.fragment == Fragment::later) {
            break;  // what follows belongs to the middle of something
        }
    }
    return reader;
}

Outcome decode_ipv6(std::span<const std::byte> bytes, std::size_t original_length) {
    Reader reader(bytes, original_length);
    if (!reader.has(kIpv6Header)) {
        return fail(reader.why_not(kIpv6Header));
    }
    Packet packet;
    packet.source = Address::ipv6(bytes.subspan<8, 16>());
    packet.destination = Address::ipv6(bytes.subspan<24, 16>());
    packet.protocol = reader.byte_at(6);
    packet.ttl = reader.byte_at(7);
    const std::size_t payload = reader.word_at(4);
    // 0 with hop-by-hop options: a jumbogram (RFC 2675), whose length stands in an option; the kernel's will
    // do. 0 without them is what it says, as the kernel reads it (ip6_rcv_core).
    if (payload != 0 || packet.protocol != kHopByHop) {
        const std::size_t total = kIpv6Header + payload;
        if (total > original_length) {
            return fail(DecodeError::truncated);
        }
        reader = Reader(bytes.first(std::min(bytes.size(), total)), total);
    }
    reader.skip(kIpv6Header);
    const auto transport = skip_extensions(packet, reader);
    if (!transport) {
        return fail(transport.error());
    }
    return decode_transport(packet, *transport);
}

}  // namespace

std::string_view name_of(DecodeError error) {
    switch (error) {
        case DecodeError::empty:
            return "empty";
        case DecodeError::not_ip:
            return "not_ip";
        case DecodeError::cut_short:
            return "cut_short";
        case DecodeError::truncated:
            return "truncated";
        case DecodeError::bad_header_length:
            return "bad_header_length";
        case DecodeError::bad_total_length:
            return "bad_total_length";
        case DecodeError::too_many_extensions:
            return "too_many_extensions";
    }
    return "unknown";
}

std::expected<Packet, DecodeError> decode(std::span<const std::byte> bytes, std::size_t original_length) {
    if (bytes.empty()) {
        return fail(DecodeError::empty);
    }
    original_length = std::max(original_length, bytes.size());
    // The version alone decides: an IPv6 packet read as IPv4 would let its sender choose whom we ban.
    switch (std::to_integer<unsigned>(bytes.front()) >> 4U) {
        case 4:
            return decode_ipv4(bytes, original_length);
        case 6:
            return decode_ipv6(bytes, original_length);
        default:
            return fail(DecodeError::not_ip);
    }
}

}  // namespace farewell::core

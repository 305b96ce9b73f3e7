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
    [[nodiscard]] std::uint32_t long_at(std::size_t offset) const {
        return std::uint32_t{word_at(offset)} << 16U | word_at(offset + 2);
    }
    [[nodiscard]] std::span<const std::byte> rest() const { return bytes_; }
    /// The rest's length as the packet says it, copied or not.
    [[nodiscard]] std::size_t rest_length() const { return bytes_.size() + missing_; }
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

/// TCP, UDP and SCTP begin with the two ports.
void read_ports(Packet& packet, const Reader& reader) {
    packet.has_ports = true;
    packet.source_port = reader.word_at(0);
    packet.destination_port = reader.word_at(2);
}

void read_payload(Packet& packet, Reader reader, std::size_t header) {
    reader.skip(header);
    packet.has_whole_header = true;
    packet.payload = reader.rest();
    packet.payload_length = reader.rest_length();
}

/// A header that is not all there. A first fragment may end anywhere (RFC 791 asks for 8 bytes only), and
/// still names its ports.
Outcome without_whole_header(Packet packet, const Reader& reader, std::size_t header) {
    constexpr std::size_t kPorts = 4;
    const DecodeError reason = reader.why_not(header);
    if (packet.fragment != Fragment::first || reason != DecodeError::truncated || !reader.has(kPorts)) {
        return fail(reason);
    }
    read_ports(packet, reader);
    return packet;
}

Outcome decode_tcp(Packet packet, Reader reader) {
    if (!reader.has(kTcpHeaderMin)) {
        return without_whole_header(packet, reader, kTcpHeaderMin);
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
    read_ports(packet, reader);
    packet.tcp_sequence = reader.long_at(4);
    packet.tcp_flags = reader.byte_at(13) & 0x3fU;
    packet.tcp_window = reader.word_at(14);
    packet.tcp_options = reader.rest().first(std::min(header, reader.rest().size())).subspan(kTcpHeaderMin);
    read_payload(packet, reader, header);
    return packet;
}

Outcome decode_udp(Packet packet, Reader reader) {
    if (!reader.has(kUdpHeader)) {
        return without_whole_header(packet, reader, kUdpHeader);
    }
    read_ports(packet, reader);
    read_payload(packet, reader, kUdpHeader);
    return packet;
}

Outcome decode_sctp(Packet packet, Reader reader) {
    if (!reader.has(kSctpHeader)) {
        return without_whole_header(packet, reader, kSctpHeader);
    }
    read_ports(packet, reader);
    read_payload(packet, reader, kSctpHeader);
    if (!packet.payload.empty()) {
        packet.sctp_chunk = std::to_integer<std::uint8_t>(packet.payload.front());
        packet.has_sctp_chunk = true;
    }
    return packet;
}

Outcome decode_transport(Packet packet, const Reader& reader) {
    packet.payload = reader.rest();
    packet.payload_length = reader.rest_length();
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
    packet.ipv4_id = reader.word_at(4);
    const unsigned fragment = reader.word_at(6);
    packet.dont_fragment = (fragment & 0x4000U) != 0;
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

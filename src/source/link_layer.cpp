// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/link_layer.hpp"

#include <pcap/dlt.h>

#include <algorithm>
#include <array>

namespace farewell::source {
namespace {

using core::LinkDestination;
using Bytes = std::span<const std::byte>;
using Found = std::expected<FramedPacket, NoPacket>;

constexpr std::unexpected kNotIp{NoPacket::not_ip};
constexpr std::unexpected kCutShort{NoPacket::cut_short};

unsigned octet(Bytes bytes, std::size_t at) {
    return std::to_integer<unsigned>(bytes[at]);
}
unsigned big16(Bytes bytes, std::size_t at) {
    return octet(bytes, at) << 8U | octet(bytes, at + 1);
}
unsigned little16(Bytes bytes, std::size_t at) {
    return octet(bytes, at + 1) << 8U | octet(bytes, at);
}
std::uint32_t big32(Bytes bytes, std::size_t at) {
    return big16(bytes, at) << 16U | big16(bytes, at + 2);
}
std::uint32_t little32(Bytes bytes, std::size_t at) {
    return little16(bytes, at + 2) << 16U | little16(bytes, at);
}

/// What is left of a frame, and what its headers have told so far.
struct Rest {
    Bytes bytes;
    std::size_t offset = 0;
    LinkDestination destination = LinkDestination::unknown;

    [[nodiscard]] bool has(std::size_t length) const { return bytes.size() >= length; }
    /// Only what `has` has promised.
    [[nodiscard]] Rest after(std::size_t length) const {
        return {.bytes = bytes.subspan(length), .offset = offset + length, .destination = destination};
    }
    [[nodiscard]] Found packet() const {
        return FramedPacket{.bytes = bytes, .offset = offset, .destination = destination};
    }
};

/// IEEE 802: the first octet's lowest bit marks a group address.
LinkDestination destination_of(Bytes address) {
    if (std::ranges::all_of(address, [](std::byte byte) { return byte == std::byte{0xff}; })) {
        return LinkDestination::broadcast;
    }
    return (octet(address, 0) & 1U) != 0 ? LinkDestination::multicast : LinkDestination::unicast;
}

// EtherTypes (IEEE 802 numbers, IANA).
constexpr unsigned kIpv4 = 0x0800;
constexpr unsigned kIpv6 = 0x86dd;
constexpr unsigned kPppoeSession = 0x8864;
constexpr std::array kVlans{0x8100U, 0x88a8U, 0x9100U, 0x9200U};
constexpr unsigned kEtherTypeMin = 0x0600;  // below: the length of an IEEE 802.3 frame

/// After PPP's address and control octets: the protocol (RFC 1661), one octet if compressed, two otherwise.
Found ppp_protocol(Rest rest) {
    constexpr unsigned kPppIpv4 = 0x0021;
    constexpr unsigned kPppIpv6 = 0x0057;
    if (!rest.has(2)) {
        return kCutShort;
    }
    const bool compressed = (octet(rest.bytes, 0) & 1U) != 0;
    const unsigned protocol = compressed ? octet(rest.bytes, 0) : big16(rest.bytes, 0);
    return protocol == kPppIpv4 || protocol == kPppIpv6 ? rest.after(compressed ? 1 : 2).packet() : kNotIp;
}

/// RFC 1662: address 0xff and control 0x03 may have been negotiated away.
Found ppp(Rest rest) {
    const bool framed = rest.has(2) && big16(rest.bytes, 0) == 0xff03;
    return ppp_protocol(framed ? rest.after(2) : rest);
}

/// RFC 2516: version and type, code, session, length; then PPP without address and control.
Found pppoe(Rest rest) {
    constexpr std::size_t kHeader = 6;
    if (!rest.has(kHeader)) {
        return kCutShort;
    }
    return octet(rest.bytes, 1) == 0 ? ppp_protocol(rest.after(kHeader)) : kNotIp;
}

Found by_ethertype(unsigned type, Rest rest);

/// IEEE 802.2 LLC with SNAP (RFC 1042): AA AA 03, organisation 0, EtherType. Or LLC's own number for IPv4.
Found llc(Rest rest) {
    constexpr unsigned kSnap = 0xaaaa;
    constexpr unsigned kLlcIpv4 = 0x0606;
    if (!rest.has(3)) {
        return kCutShort;
    }
    if (big16(rest.bytes, 0) == kLlcIpv4) {
        return rest.after(3).packet();
    }
    if (big16(rest.bytes, 0) != kSnap) {
        return kNotIp;
    }
    return rest.has(8) ? by_ethertype(big16(rest.bytes, 6), rest.after(8)) : Found(kCutShort);
}

Found by_ethertype(unsigned type, Rest rest) {
    while (std::ranges::find(kVlans, type) != kVlans.end()) {
        if (!rest.has(4)) {
            return kCutShort;
        }
        type = big16(rest.bytes, 2);
        rest = rest.after(4);
    }
    if (type == kIpv4 || type == kIpv6) {
        return rest.packet();
    }
    if (type == kPppoeSession) {
        return pppoe(rest);
    }
    return type < kEtherTypeMin ? llc(rest) : Found(kNotIp);
}

Found ethernet(Rest rest) {
    constexpr std::size_t kHeader = 14;
    if (!rest.has(kHeader)) {
        return kCutShort;
    }
    rest.destination = destination_of(rest.bytes.first(6));
    return by_ethertype(big16(rest.bytes, 12), rest.after(kHeader));
}

/// BSD loopback: an address family, in the byte order of the machine that captured. IPv6 has a number of its
/// own on every system: Linux, Windows, NetBSD, FreeBSD, macOS.
Found loopback(Rest rest) {
    constexpr std::array<std::uint32_t, 6> kFamilies{2, 10, 23, 24, 28, 30};
    if (!rest.has(4)) {
        return kCutShort;
    }
    const bool is_ip = std::ranges::find(kFamilies, big32(rest.bytes, 0)) != kFamilies.end() ||
                       std::ranges::find(kFamilies, little32(rest.bytes, 0)) != kFamilies.end();
    return is_ip ? rest.after(4).packet() : kNotIp;
}

/// The packet type of Linux "cooked" captures: to us, broadcast, multicast, to others, from us.
LinkDestination cooked_destination(unsigned packet_type) {
    switch (packet_type) {
        case 0:
            return LinkDestination::unicast;
        case 1:
            return LinkDestination::broadcast;
        case 2:
            return LinkDestination::multicast;
        default:
            return LinkDestination::unknown;
    }
}

/// The protocol field of cooked captures is an EtherType, or 4 for LLC; ARPHRD_NETLINK frames have their own.
Found cooked_protocol(unsigned hardware_type, unsigned protocol, Rest rest) {
    constexpr unsigned kNetlink = 824;
    constexpr unsigned kLlc = 0x0004;
    if (hardware_type == kNetlink) {
        return kNotIp;
    }
    if (protocol == kLlc) {
        return llc(rest);
    }
    return protocol < kEtherTypeMin ? Found(kNotIp) : by_ethertype(protocol, rest);
}

Found cooked_v1(Rest rest) {
    constexpr std::size_t kHeader = 16;
    if (!rest.has(kHeader)) {
        return kCutShort;
    }
    rest.destination = cooked_destination(big16(rest.bytes, 0));
    return cooked_protocol(big16(rest.bytes, 2), big16(rest.bytes, 14), rest.after(kHeader));
}

Found cooked_v2(Rest rest) {
    constexpr std::size_t kHeader = 20;
    if (!rest.has(kHeader)) {
        return kCutShort;
    }
    rest.destination = cooked_destination(octet(rest.bytes, 10));
    return cooked_protocol(big16(rest.bytes, 8), big16(rest.bytes, 0), rest.after(kHeader));
}

/// IEEE 802.11, 9.2: data frames that carry data, not encrypted, not aggregated. `padded`: the radio aligned
/// what follows the header to four bytes.
Found wireless(Rest rest, bool padded) {
    constexpr std::size_t kBasicHeader = 24;
    if (!rest.has(kBasicHeader)) {
        return kCutShort;
    }
    const unsigned kind = octet(rest.bytes, 0);
    const unsigned flags = octet(rest.bytes, 1);
    const bool is_data = (kind & 0x0cU) == 0x08U && (kind & 0x40U) == 0;
    const bool is_encrypted = (flags & 0x40U) != 0;
    if (!is_data || is_encrypted) {
        return kNotIp;
    }
    const bool to_system = (flags & 0x01U) != 0;
    const bool from_system = (flags & 0x02U) != 0;
    const bool has_quality = (kind & 0x80U) != 0;
    const bool has_throughput = has_quality && (flags & 0x80U) != 0;
    const std::size_t quality_at = kBasicHeader + (to_system && from_system ? 6 : 0);
    std::size_t header = quality_at + (has_quality ? 2 : 0) + (has_throughput ? 4 : 0);
    if (padded) {
        header = (header + 3) / 4 * 4;
    }
    if (!rest.has(header)) {
        return kCutShort;
    }
    if (has_quality && (octet(rest.bytes, quality_at) & 0x80U) != 0) {
        return kNotIp;  // an aggregate of several packets
    }
    rest.destination = destination_of(rest.bytes.subspan(to_system ? 16 : 4, 6));
    return llc(rest.after(header));
}

/// radiotap.org: version, pad, length, words of presence bits, fields in the order of the bits. Only the
/// flags matter here; the timestamp before them is aligned to eight bytes.
Found radiotap(Rest rest) {
    constexpr std::uint32_t kMoreWords = 1U << 31U;
    constexpr std::uint32_t kHasTimestamp = 1U << 0U;
    constexpr std::uint32_t kHasFlags = 1U << 1U;
    constexpr unsigned kPadded = 0x20;
    constexpr unsigned kDamaged = 0x40;
    if (!rest.has(8)) {
        return kCutShort;
    }
    const std::size_t length = little16(rest.bytes, 2);
    if (length < 8) {
        return kNotIp;
    }
    if (!rest.has(length)) {
        return kCutShort;
    }
    const std::uint32_t present = little32(rest.bytes, 4);
    std::size_t field = 8;
    for (std::uint32_t word = present; (word & kMoreWords) != 0 && field + 4 <= length; field += 4) {
        word = little32(rest.bytes, field);
    }
    if ((present & kHasTimestamp) != 0) {
        field = (field + 7) / 8 * 8 + 8;
    }
    const unsigned flags = (present & kHasFlags) != 0 && field < length ? octet(rest.bytes, field) : 0;
    return (flags & kDamaged) != 0 ? Found(kNotIp) : wireless(rest.after(length), (flags & kPadded) != 0);
}

/// Linux log groups: four bytes, then attributes of length, type and padding to four bytes, in the byte order
/// of the machine that captured (little, unless a length cannot be).
Found log_group(Rest rest) {
    constexpr unsigned kPayload = 9;  // NFULA_PAYLOAD
    constexpr std::size_t kHeader = 4;
    if (!rest.has(kHeader)) {
        return kCutShort;
    }
    rest = rest.after(kHeader);
    while (rest.has(kHeader)) {
        const bool is_little = little16(rest.bytes, 0) >= kHeader && little16(rest.bytes, 2) < 256;
        const std::size_t length = is_little ? little16(rest.bytes, 0) : big16(rest.bytes, 0);
        const unsigned type = is_little ? little16(rest.bytes, 2) : big16(rest.bytes, 2);
        if (length < kHeader) {
            return kNotIp;
        }
        if (type == kPayload) {
            Rest payload = rest.after(kHeader);
            payload.bytes = payload.bytes.first(std::min(payload.bytes.size(), length - kHeader));
            return payload.packet();
        }
        const std::size_t padded = (length + 3) / 4 * 4;
        if (!rest.has(padded)) {
            return kCutShort;
        }
        rest = rest.after(padded);
    }
    return kNotIp;
}

/// A header of fixed length that says nothing about what follows it.
template <std::size_t kHeader>
Found behind(Rest rest) {
    return rest.has(kHeader) ? rest.after(kHeader).packet() : kCutShort;
}

/// Cisco HDLC (RFC 1547): address, control, EtherType.
Found cisco_hdlc(Rest rest) {
    return rest.has(4) ? by_ethertype(big16(rest.bytes, 2), rest.after(4)) : Found(kCutShort);
}

/// HDLC framing: PPP's address, or Cisco's.
Found hdlc(Rest rest) {
    const bool cisco = rest.has(2) && (big16(rest.bytes, 0) == 0x0f00 || big16(rest.bytes, 0) == 0x8f00);
    return cisco ? cisco_hdlc(rest) : ppp(rest);
}

/// PPP with an octet before it that says which way it went.
Found directed_ppp(Rest rest) {
    return rest.has(1) ? ppp(rest.after(1)) : kCutShort;
}

Found by_link_type(int link_type, Rest rest);

/// A header that carries its own length and the link type of what follows it: per-packet information (PPI) of
/// radios, and macOS's PKTAP. Nested only once, or a frame of nothing but such headers would recurse for
/// long.
Found behind_own_length(Rest rest, std::size_t length, std::uint32_t link_type) {
    constexpr std::array<std::uint32_t, 2> kSelf{DLT_PPI, DLT_PKTAP};
    if (std::ranges::find(kSelf, link_type) != kSelf.end() || link_type > 0xffff) {
        return kNotIp;
    }
    return rest.has(length) ? by_link_type(static_cast<int>(link_type), rest.after(length)) : kCutShort;
}

Found per_packet_information(Rest rest) {
    constexpr std::size_t kHeader = 8;
    if (!rest.has(kHeader)) {
        return kCutShort;
    }
    const std::size_t length = little16(rest.bytes, 2);
    return length < kHeader ? Found(kNotIp) : behind_own_length(rest, length, little32(rest.bytes, 4));
}

Found pktap(Rest rest) {
    constexpr std::size_t kHeader = 12;
    constexpr std::uint32_t kPacketFollows = 1;
    if (!rest.has(kHeader)) {
        return kCutShort;
    }
    const std::uint32_t length = little32(rest.bytes, 0);
    return length < kHeader || little32(rest.bytes, 4) != kPacketFollows
               ? Found(kNotIp)
               : behind_own_length(rest, length, little32(rest.bytes, 8));
}

/// Frame relay (RFC 2427): an address of two octets, control 03, the network layer's number; or SNAP.
Found frame_relay(Rest rest) {
    constexpr unsigned kIpv4Number = 0xcc;
    constexpr unsigned kIpv6Number = 0x8e;
    constexpr unsigned kSnapNumber = 0x80;
    if (!rest.has(4)) {
        return kCutShort;
    }
    const bool short_address = (octet(rest.bytes, 0) & 1U) == 0 && (octet(rest.bytes, 1) & 1U) == 1;
    if (!short_address || octet(rest.bytes, 2) != 0x03) {
        return kNotIp;
    }
    const std::size_t number_at = octet(rest.bytes, 3) == 0 ? 4 : 3;  // perhaps after a pad octet
    if (!rest.has(number_at + 1)) {
        return kCutShort;
    }
    const unsigned number = octet(rest.bytes, number_at);
    rest = rest.after(number_at + 1);
    if (number == kIpv4Number || number == kIpv6Number) {
        return rest.packet();
    }
    if (number != kSnapNumber) {
        return kNotIp;
    }
    return rest.has(5) ? by_ethertype(big16(rest.bytes, 3), rest.after(5)) : Found(kCutShort);
}

struct LinkReader {
    int type;
    Found (*read)(Rest rest);
};
constexpr std::array kReaders{
    LinkReader{DLT_EN10MB, ethernet},
    LinkReader{DLT_RAW, behind<0>},
    LinkReader{DLT_IPV4, behind<0>},
    LinkReader{DLT_IPV6, behind<0>},
    LinkReader{DLT_LINUX_SLL, cooked_v1},
    LinkReader{DLT_LINUX_SLL2, cooked_v2},
    LinkReader{DLT_NULL, loopback},
    LinkReader{DLT_LOOP, loopback},
    LinkReader{DLT_ENC, behind<12>},  // OpenBSD's IPsec: family, SPI, flags
    LinkReader{DLT_PPP, hdlc},
    LinkReader{DLT_PPP_SERIAL, hdlc},
    LinkReader{DLT_PPP_ETHER, pppoe},
    LinkReader{DLT_PPP_PPPD, directed_ppp},
    LinkReader{DLT_PPP_WITH_DIR, directed_ppp},
    LinkReader{DLT_C_HDLC, cisco_hdlc},
    LinkReader{DLT_ATM_RFC1483, llc},
    LinkReader{DLT_IEEE802_11, [](Rest rest) { return wireless(rest, false); }},
    LinkReader{DLT_IEEE802_11_RADIO, radiotap},
    LinkReader{DLT_FRELAY, frame_relay},
    LinkReader{DLT_NFLOG, log_group},
    LinkReader{DLT_PPI, per_packet_information},
    LinkReader{DLT_PKTAP, pktap},
};

Found by_link_type(int link_type, Rest rest) {
    const auto* const reader = std::ranges::find(kReaders, link_type, &LinkReader::type);
    return reader == kReaders.end() ? Found(kNotIp) : reader->read(rest);
}

}  // namespace

bool is_supported_link(int link_type) {
    return std::ranges::find(kReaders, link_type, &LinkReader::type) != kReaders.end();
}

std::expected<FramedPacket, NoPacket> ip_packet_of(int link_type, std::span<const std::byte> frame) {
    return by_link_type(link_type, {.bytes = frame});
}

}  // namespace farewell::source

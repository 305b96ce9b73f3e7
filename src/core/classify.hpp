// SPDX-License-Identifier: GPL-2.0-or-later
// Is a packet for a closed port a probe, and of which kind? Stateless: runs in the queue threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "core/address.hpp"
#include "core/decode.hpp"
#include "core/port.hpp"

namespace farewell::core {

enum class ProbeKind : std::uint8_t {
    syn,       ///< TCP SYN without ACK
    stealth,   ///< TCP with none of SYN, ACK and RST: NULL, FIN, XMAS
    ack,       ///< TCP with ACK: -sA, -sW, -sM
    udp,       ///< UDP
    sctp,      ///< SCTP
    protocol,  ///< any other IP protocol: -sO
};
[[nodiscard]] std::string_view name_of(ProbeKind kind);

/// A packet that arrived for a closed port and counts. Small enough to travel by value through a ring.
struct Probe {
    Address source;
    Address destination;
    Port port;
    ProbeKind kind = ProbeKind::syn;
    std::uint8_t ttl = 0;
    std::uint16_t tcp_window = 0;
    std::uint16_t tcp_options = 0;
};

/// Why a packet does not count.
enum class Disregard : std::uint8_t {
    martian,      ///< the source is unspecified, loopback, multicast or broadcast
    chatter,      ///< the destination is multicast or broadcast
    icmp,         ///< ICMP and ICMPv6
    backscatter,  ///< TCP RST, or SYN+ACK: an answer to somebody who used our address
    fragment,     ///< a later fragment: no port inside
};
inline constexpr std::size_t kDisregards = 5;
[[nodiscard]] std::string_view name_of(Disregard reason);

using Classification = std::variant<Probe, Disregard>;

/// What the link layer knew about the destination; broadcast and multicast cannot always be told
/// from the address (a directed broadcast needs the netmask).
enum class LinkDestination : std::uint8_t { unknown, unicast, broadcast, multicast };

[[nodiscard]] Classification classify(const Packet& packet, LinkDestination link);

}  // namespace farewell::core

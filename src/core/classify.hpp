// SPDX-License-Identifier: GPL-2.0-or-later
// Is a packet for a closed port a probe, of which kind, and how much does it weigh? One ordered table of
// rules, the first that matches wins; docs/detection.md argues each. Stateless: runs in the receiving
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/address.hpp"
#include "core/decode.hpp"
#include "core/fingerprint.hpp"
#include "core/knowledge.hpp"
#include "core/port.hpp"

namespace farewell::core {

/// The rules by name. The first kCountedRules are those whose packets are remembered: they are also the kinds
/// of probe that evidence speaks of.
enum class Rule : std::uint8_t {
    // Evidence.
    syn,            ///< TCP SYN without ACK
    stealth,        ///< TCP with none of SYN, ACK and RST, or SYN with FIN: NULL, FIN, XMAS
    ack,            ///< TCP ACK without data to a port that no client of ours uses: -sA, -sW, -sM
    udp,            ///< UDP
    udp_data,       ///< UDP with data to a port from 1024 on
    sctp,           ///< SCTP
    protocol,       ///< any other IP protocol: -sO
    tiny_fragment,  ///< a first fragment too small for the transport header: -f
    // Ambiguous: a probe or the tail of something ordinary.
    service_away,  ///< to a port that had a listener not long ago (detect.remember_services)
    stray,         ///< TCP ACK with data, to an ephemeral port, or from a well-known one: a connection's tail
    late_reply,  ///< UDP that is an answer by its port and payload, and came after its question was forgotten
    // Never counted.
    trusted,      ///< from one of our own addresses, a default gateway, a resolver in use or a logged-in peer
    martian,      ///< the source is unspecified, loopback, multicast or broadcast
    chatter,      ///< the destination is multicast or broadcast
    icmp,         ///< ICMP and ICMPv6
    fragment,     ///< a later fragment: no port inside
    backscatter,  ///< TCP RST or SYN+ACK, SCTP answers: sent to somebody who used our address
    lan_chatter,  ///< UDP from a neighbour to a port of LAN discovery
    traceroute,   ///< UDP to a port that traceroute counts up to, with few hops left
};
inline constexpr std::size_t kRules = 19;
inline constexpr std::size_t kCountedRules = 11;
[[nodiscard]] std::string_view name_of(Rule rule);
[[nodiscard]] constexpr bool is_counted(Rule rule) {
    return static_cast<std::size_t>(rule) < kCountedRules;
}
[[nodiscard]] constexpr bool is_ambiguous(Rule rule) {
    return is_counted(rule) && rule >= Rule::service_away;
}

/// Evidence weighs in quarters of an ordinary probe.
using Weight = std::uint8_t;
inline constexpr Weight kOrdinaryWeight = 4;
/// People count in points: an ordinary probe is one.
[[nodiscard]] constexpr double points(std::uint32_t weight) {
    return static_cast<double>(weight) / kOrdinaryWeight;
}

/// A packet that arrived for a closed port and is remembered. Small enough to travel by value through a ring.
struct Probe {
    Address source;
    Address destination;
    Port port;
    Rule rule = Rule::syn;
    Tool tool = Tool::none;
    std::uint8_t ttl = 0;
    bool is_forwarded = false;  ///< met on its way through us to another host
    bool is_proven = false;     ///< its source is known to have completed a handshake: not forged
    std::uint16_t source_port = 0;
    std::uint16_t tcp_window = 0;
    std::uint16_t tcp_options = 0;  ///< their length in bytes
    std::uint32_t tcp_sequence = 0;
    std::uint32_t interface = 0;  ///< index of where it came in; 0: not told

    /// What it adds to the case against its source: by its rule, doubled for a raw scanner's stack; zero
    /// where it is ambiguous.
    [[nodiscard]] Weight weight() const;
};

/// What the link layer knew about the destination; broadcast and multicast cannot always be told
/// from the address (a directed broadcast needs the netmask).
enum class LinkDestination : std::uint8_t { unknown, unicast, broadcast, multicast };

/// Cost: about 20 ns. Every packet has a rule.
[[nodiscard]] Rule classify(const Packet& packet, const Knowledge& knowledge, LinkDestination link);
/// The packet of a counted rule, as it is remembered.
[[nodiscard]] Probe probe_of(const Packet& packet, Rule rule);

/// The table, for documents and for `explain`.
struct RuleRow {
    Rule rule;
    std::string_view name;
    Weight weight;  ///< of an ordinary stack's; 0: never evidence by itself
    std::string_view reason;
    bool (*matches)(const Packet&, const Knowledge&, LinkDestination);
};
[[nodiscard]] std::span<const RuleRow> rules();

}  // namespace farewell::core

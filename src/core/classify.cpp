// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/classify.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/reply.hpp"

namespace farewell::core {
namespace {

constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

bool has_flag(const Packet& packet, std::uint8_t flag) {
    return (packet.tcp_flags & flag) != 0;
}

bool is_tcp(const Packet& packet) {
    return packet.protocol == protocol::kTcp;
}

bool is_udp(const Packet& packet) {
    return packet.protocol == protocol::kUdp || packet.protocol == protocol::kUdpLite;
}

bool is_from_martian(const Packet& packet) {
    const Address& source = packet.source;
    return source.is_unspecified() || source.is_loopback() || source.is_multicast() ||
           source.is_limited_broadcast();
}

bool is_to_many(const Packet& packet, const Knowledge& knowledge, LinkDestination link) {
    return packet.destination.is_multicast() || packet.destination.is_limited_broadcast() ||
           link == LinkDestination::broadcast || link == LinkDestination::multicast ||
           knowledge.is_broadcast(packet.destination);
}

bool is_icmp(const Packet& packet) {
    return packet.protocol == protocol::kIcmp || packet.protocol == protocol::kIcmpv6;
}

bool is_tiny_fragment(const Packet& packet) {
    return packet.fragment == Fragment::first && packet.has_ports && !packet.has_whole_header;
}

/// SCTP chunks (RFC 9260, 3.2) that only ever answer one of ours: INIT ACK, SACK, HEARTBEAT ACK, ABORT,
/// SHUTDOWN ACK, ERROR, COOKIE ACK, SHUTDOWN COMPLETE.
bool is_sctp_answer(const Packet& packet) {
    constexpr std::array<std::uint8_t, 8> kAnswers{2, 3, 5, 6, 8, 9, 11, 14};
    return packet.protocol == protocol::kSctp && packet.has_sctp_chunk &&
           std::ranges::find(kAnswers, packet.sctp_chunk) != kAnswers.end();
}

bool is_backscatter(const Packet& packet) {
    const bool is_tcp_answer =
        is_tcp(packet) && (has_flag(packet, tcp_flag::kRst) ||
                           (has_flag(packet, tcp_flag::kSyn) && has_flag(packet, tcp_flag::kAck)));
    return is_tcp_answer || is_sctp_answer(packet);
}

bool is_service_away(const Packet& packet, const Knowledge& knowledge) {
    return packet.has_ports &&
           knowledge.is_served({.protocol = packet.protocol, .number = packet.destination_port});
}

bool is_stealth(const Packet& packet) {
    return is_tcp(packet) && !has_flag(packet, tcp_flag::kAck) &&
           (!has_flag(packet, tcp_flag::kSyn) || has_flag(packet, tcp_flag::kFin));
}

bool is_syn(const Packet& packet) {
    return is_tcp(packet) && has_flag(packet, tcp_flag::kSyn);
}

/// Packets with ACK and without SYN or RST that look like a connection's tail. A raw scanner's never do.
bool is_stray(const Packet& packet, const Knowledge& knowledge) {
    return is_tcp(packet) && !is_raw_stack(tool_of(packet)) &&
           (packet.payload_length > 0 || knowledge.is_ephemeral(packet.destination_port) ||
            packet.source_port < kFirstUnprivilegedPort);
}

/// traceroute(8) counts ports up from 33434, mtr(8) without end from 33000, and both count hops up from 1:
/// those that arrive have few left. A scanner's have many, or are empty (nmap -sU).
bool is_traceroute(const Packet& packet) {
    constexpr std::uint16_t kFirst = 33000;
    constexpr std::uint8_t kHopsMax = 30;
    constexpr std::size_t kPayloadMax = 72;
    return is_udp(packet) && packet.destination_port >= kFirst && packet.ttl <= kHopsMax &&
           packet.payload_length > 0 && packet.payload_length <= kPayloadMax;
}

/// What hosts of one network tell each other without being asked. Ascending.
bool is_discovery_port(std::uint16_t port) {
    constexpr std::array<std::uint16_t, 18> kPorts{67,   68,   69,   137,  138,  546,   547,   1900,  3702,
                                                   5353, 5355, 5678, 6771, 8612, 10001, 17500, 27036, 57621};
    return std::ranges::binary_search(kPorts, port);
}

bool is_lan_chatter(const Packet& packet, const Knowledge& knowledge) {
    return is_udp(packet) && is_discovery_port(packet.destination_port) &&
           (knowledge.is_on_link(packet.source) || packet.source.is_private());
}

bool is_late_reply(const Packet& packet, const Knowledge& knowledge) {
    return is_udp(packet) && is_reply(packet, knowledge);
}

/// Peers of a program that has just ended go on for a while, with data, and several peers may share an
/// address; a scanner's packets are empty where it knows no protocol.
bool is_udp_data(const Packet& packet) {
    return is_udp(packet) && packet.payload_length > 0 && packet.destination_port >= kFirstUnprivilegedPort;
}

// Lambdas without captures, to have one shape for rules that ask for more or less.
constexpr auto kTable = std::to_array<RuleRow>({
    {Rule::martian, "martian", 0, "no packet to this host can come from such an address",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_from_martian(packet); }},
    {Rule::trusted, "trusted", 0,
     "one of this host's own addresses, a gateway, a resolver in use or a logged-in peer",
     [](const Packet& packet, const Knowledge& known, LinkDestination) {
         return known.is_protected(packet.source);
     }},
    {Rule::chatter, "chatter", 0, "sent to everybody on the network",
     [](const Packet& packet, const Knowledge& known, LinkDestination link) {
         return is_to_many(packet, known, link);
     }},
    {Rule::icmp, "icmp", 0, "has no ports, and errors belong to the network's working",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_icmp(packet); }},
    {Rule::fragment, "fragment", 0, "the middle of something: no port inside",
     [](const Packet& packet, const Knowledge&, LinkDestination) {
         return packet.fragment == Fragment::later;
     }},
    {Rule::tiny_fragment, "tiny_fragment", kOrdinaryWeight,
     "no network is so narrow: made to hide the header",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_tiny_fragment(packet); }},
    {Rule::backscatter, "backscatter", 0, "an answer: somebody may have used this host's address",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_backscatter(packet); }},
    {Rule::stealth, "stealth", kOrdinaryWeight, "flags that no connection ever has",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_stealth(packet); }},
    {Rule::service_away, "service_away", 0, "a service of this host not long ago",
     [](const Packet& packet, const Knowledge& known, LinkDestination) {
         return is_service_away(packet, known);
     }},
    {Rule::syn, "syn", kOrdinaryWeight, "asks for a connection that nobody offers",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_syn(packet); }},
    {Rule::stray, "stray", 0, "looks like the tail of a connection",
     [](const Packet& packet, const Knowledge& known, LinkDestination) { return is_stray(packet, known); }},
    {Rule::ack, "ack", kOrdinaryWeight / 2, "belongs to no connection and carries nothing",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_tcp(packet); }},
    {Rule::traceroute, "traceroute", 0, "traceroute's and mtr's ports, and few hops left",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_traceroute(packet); }},
    {Rule::lan_chatter, "lan_chatter", 0, "a neighbour's discovery protocol",
     [](const Packet& packet, const Knowledge& known, LinkDestination) {
         return is_lan_chatter(packet, known);
     }},
    {Rule::late_reply, "late_reply", 0, "an answer by its port and by what it says",
     [](const Packet& packet, const Knowledge& known, LinkDestination) {
         return is_late_reply(packet, known);
     }},
    {Rule::udp_data, "udp_data", kOrdinaryWeight / 2, "data to a port that anybody may use",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_udp_data(packet); }},
    {Rule::udp, "udp", kOrdinaryWeight, "to a port where nobody listens",
     [](const Packet& packet, const Knowledge&, LinkDestination) { return is_udp(packet); }},
    {Rule::sctp, "sctp", kOrdinaryWeight, "to a port where nobody listens",
     [](const Packet& packet, const Knowledge&, LinkDestination) {
         return packet.protocol == protocol::kSctp;
     }},
    {Rule::protocol, "protocol", kOrdinaryWeight, "a protocol that nobody here speaks",
     [](const Packet&, const Knowledge&, LinkDestination) { return true; }},
});
static_assert(kTable.size() == kRules);

/// The table's rows as straight code: the rows are constants, so that every test is inlined.
template <std::size_t... Row>
Rule first_match(const Packet& packet, const Knowledge& knowledge, LinkDestination link,
                 std::index_sequence<Row...> /*rows*/) {
    Rule found = Rule::protocol;
    static_cast<void>(
        ((kTable[Row].matches(packet, knowledge, link) && (found = kTable[Row].rule, true)) || ...));
    return found;
}

const RuleRow& row_of(Rule rule) {
    return *std::ranges::find(kTable, rule, &RuleRow::rule);
}

constexpr std::array<Weight, kRules> weights() {
    std::array<Weight, kRules> by_rule{};
    for (const RuleRow& row : kTable) {
        by_rule.at(static_cast<std::size_t>(row.rule)) = row.weight;
    }
    return by_rule;
}

}  // namespace

Rule classify(const Packet& packet, const Knowledge& knowledge, LinkDestination link) {
    return first_match(packet, knowledge, link, std::make_index_sequence<kTable.size()>());
}

Probe probe_of(const Packet& packet, Rule rule) {
    return {
        .source = packet.source,
        .destination = packet.destination,
        .port = {.protocol = packet.protocol, .number = packet.destination_port},
        .rule = rule,
        .tool = tool_of(packet),
        .ttl = packet.ttl,
        .is_forwarded = false,
        .is_proven = false,
        .source_port = packet.source_port,
        .tcp_window = packet.tcp_window,
        .tcp_options = static_cast<std::uint16_t>(packet.tcp_options.size()),
        .tcp_sequence = packet.tcp_sequence,
        .interface = 0,
    };
}

Weight Probe::weight() const {
    static constexpr std::array<Weight, kRules> kWeights = weights();
    const Weight ordinary = kWeights.at(static_cast<std::size_t>(rule));
    return is_raw_stack(tool) ? static_cast<Weight>(2 * ordinary) : ordinary;
}

std::span<const RuleRow> rules() {
    return kTable;
}

std::string_view name_of(Rule rule) {
    return row_of(rule).name;
}

}  // namespace farewell::core

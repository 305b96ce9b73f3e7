// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/classify.hpp"

#include <algorithm>
#include <array>

namespace farewell::core {
namespace {

Probe probe_of(const Packet& packet, ProbeKind kind) {
    return {
        .source = packet.source,
        .destination = packet.destination,
        .port = {.protocol = packet.protocol, .number = packet.destination_port},
        .kind = kind,
        .ttl = packet.ttl,
        .tcp_window = packet.tcp_window,
        .tcp_options = packet.tcp_options,
    };
}

Classification classify_tcp(const Packet& packet) {
    using namespace tcp_flag;
    const auto has = [&packet](std::uint8_t flag) { return (packet.tcp_flags & flag) != 0; };
    if (has(kRst) || (has(kSyn) && has(kAck))) {
        return Disregard::backscatter;
    }
    if (has(kSyn)) {
        return probe_of(packet, has(kFin) ? ProbeKind::stealth : ProbeKind::syn);
    }
    return probe_of(packet, has(kAck) ? ProbeKind::ack : ProbeKind::stealth);
}

/// Chunks (RFC 9260, 3.2) that only ever answer one of ours, so somebody has used our address: INIT ACK,
/// SACK, HEARTBEAT ACK, ABORT, SHUTDOWN ACK, ERROR, COOKIE ACK, SHUTDOWN COMPLETE.
bool is_sctp_answer(const Packet& packet) {
    constexpr std::array<std::uint8_t, 8> kAnswers{2, 3, 5, 6, 8, 9, 11, 14};
    return packet.has_sctp_chunk && std::ranges::find(kAnswers, packet.sctp_chunk) != kAnswers.end();
}

}  // namespace

Classification classify(const Packet& packet, LinkDestination link) {
    const Address& source = packet.source;
    if (source.is_unspecified() || source.is_loopback() || source.is_multicast() ||
        source.is_limited_broadcast()) {
        return Disregard::martian;
    }
    if (packet.destination.is_multicast() || packet.destination.is_limited_broadcast() ||
        link == LinkDestination::broadcast || link == LinkDestination::multicast) {
        return Disregard::chatter;
    }
    if (packet.protocol == protocol::kIcmp || packet.protocol == protocol::kIcmpv6) {
        return Disregard::icmp;
    }
    if (packet.fragment == Fragment::later) {
        return Disregard::fragment;
    }
    switch (packet.protocol) {
        case protocol::kTcp:
            return classify_tcp(packet);
        case protocol::kUdp:
        case protocol::kUdpLite:
            return probe_of(packet, ProbeKind::udp);
        case protocol::kSctp:
            return is_sctp_answer(packet) ? Classification(Disregard::backscatter)
                                          : Classification(probe_of(packet, ProbeKind::sctp));
        default:
            return probe_of(packet, ProbeKind::protocol);
    }
}

std::string_view name_of(ProbeKind kind) {
    switch (kind) {
        case ProbeKind::syn:
            return "syn";
        case ProbeKind::stealth:
            return "stealth";
        case ProbeKind::ack:
            return "ack";
        case ProbeKind::udp:
            return "udp";
        case ProbeKind::sctp:
            return "sctp";
        case ProbeKind::protocol:
            return "protocol";
    }
    return "unknown";
}

std::string_view name_of(Disregard reason) {
    switch (reason) {
        case Disregard::martian:
            return "martian";
        case Disregard::chatter:
            return "chatter";
        case Disregard::icmp:
            return "icmp";
        case Disregard::backscatter:
            return "backscatter";
        case Disregard::fragment:
            return "fragment";
    }
    return "unknown";
}

}  // namespace farewell::core

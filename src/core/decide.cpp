// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/decide.hpp"

#include <array>
#include <bit>

namespace farewell::core {
namespace {

constexpr std::uint8_t kSiteLength = 48;
constexpr std::uint8_t kSubnetLength = 64;
constexpr std::uint8_t kIpv4NetworkLength = 24;
constexpr std::array<std::uint8_t, 1> kCountedLengths4{kIpv4NetworkLength};
constexpr std::array<std::uint8_t, 2> kCountedLengths6{kSubnetLength, kSiteLength};

std::uint32_t port_item(const Port& port) {
    return std::uint32_t{port.protocol} << 16U | port.number;
}

std::uint32_t tag_of(const Address& address, const Limits& limits) {
    return static_cast<std::uint32_t>(address.hash(limits.hash_key));
}

/// 24 bits of a tag: two hosts in 17 million are taken for one, so counts are never above the truth.
std::uint32_t host_item(const Address& host, const Limits& limits) {
    return tag_of(host, limits) & 0xffffffU;
}

/// The address for what it is; of a /48 the /64 that took part.
std::uint8_t source_nibble(const Address& source, std::uint8_t network, const Limits& limits) {
    const std::uint8_t part = network == kSiteLength ? kSubnetLength : full_length(source.family());
    return static_cast<std::uint8_t>(tag_of(source.masked(part), limits) & 0x0fU);
}

/// Written where it stays: this runs for every probe, up to three times, and a copy that has to wait for its
/// parts to be stored costs more than the rest of it.
Observation& observe(Observations& observations, const Address& who, std::uint8_t length, std::uint32_t what,
                     const Probe& probe) {
    Observation& made = observations.emplace_back();
    made.subject.who.address = who;
    made.subject.who.length = length;
    made.item.what = what;
    made.item.kind = static_cast<std::uint8_t>(probe.rule);
    made.item.weight = probe.weight();
    return made;
}

/// Peer-to-peer programs and QUIC clients ask very many hosts for one UDP port, and most do not answer.
bool is_sweep_evidence(Rule rule) {
    return rule != Rule::udp && rule != Rule::udp_data;
}

/// A network needs as many more ports at once as it needs more points.
std::uint32_t burst_of(const Prefix& who, const Limits& limits) {
    const std::uint64_t scaled = std::uint64_t{limits.burst} * threshold_of(who, limits) / limits.threshold;
    return static_cast<std::uint32_t>(scaled);
}

}  // namespace

std::string_view name_of(Criterion criterion) {
    switch (criterion) {
        case Criterion::plain:
            return "plain";
        case Criterion::patient:
            return "patient";
        case Criterion::burst:
            return "burst";
        case Criterion::sweep:
            return "sweep";
        case Criterion::ambiguous:
            return "ambiguous";
    }
    return "unknown";
}

std::span<const std::uint8_t> counted_lengths(Family family) {
    return family == Family::ipv4 ? std::span<const std::uint8_t>(kCountedLengths4)
                                  : std::span<const std::uint8_t>(kCountedLengths6);
}

std::uint32_t threshold_of(const Prefix& who, const Limits& limits) {
    return threshold_of(who.address.family(), who.length, limits);
}

std::uint32_t threshold_of(Family family, std::uint8_t length, const Limits& limits) {
    if (length == full_length(family)) {
        return limits.threshold;
    }
    if (family == Family::ipv4) {
        return length == kIpv4NetworkLength ? limits.threshold_24 : 0;
    }
    if (length == kSubnetLength) {
        return limits.threshold_64;
    }
    return length == kSiteLength ? limits.threshold_48 : 0;
}

std::uint32_t tag_of_host(const Address& host, const Limits& limits) {
    return tag_of(host, limits) | 1U;  // 0 is no host
}

Observations observations_of(const Probe& probe, const Limits& limits) {
    Observations observations;
    const Family family = probe.source.family();
    const std::uint32_t port = port_item(probe.port);
    Subject& source = observe(observations, probe.source, full_length(family), port, probe).subject;
    if (limits.rule == DetectionRule::plain) {
        return observations;
    }
    if (is_ambiguous(probe.rule)) {
        source.counted = Counted::ambiguous;
        return observations;
    }
    if (probe.is_forwarded) {
        // On its way through us each host behind is scanned for itself; what comes to us is one target.
        source.host = tag_of_host(probe.destination, limits);
        if (limits.sweep_threshold > 0 && is_sweep_evidence(probe.rule)) {
            Subject& sweep = observe(observations, probe.source, full_length(family),
                                     host_item(probe.destination, limits), probe)
                                 .subject;
            sweep.host = port;
            sweep.counted = Counted::hosts;
        }
    }
    for (const std::uint8_t length : counted_lengths(family)) {
        if (threshold_of(family, length, limits) > 0) {
            observe(observations, probe.source.masked(length), length, port, probe).item.kind =
                source_nibble(probe.source, length, limits);
        }
    }
    return observations;
}

std::optional<Criterion> criterion_met(const Subject& subject, const SourceTable::Seen& seen,
                                       const Limits& limits) {
    if (limits.rule == DetectionRule::plain) {
        return seen.distinct >= limits.threshold ? std::optional(Criterion::plain) : std::nullopt;
    }
    switch (subject.counted) {
        case Counted::ambiguous:
            return limits.ambiguous_threshold > 0 && seen.distinct >= limits.ambiguous_threshold
                       ? std::optional(Criterion::ambiguous)
                       : std::nullopt;
        case Counted::hosts:
            return seen.weight >= limits.sweep_threshold * kOrdinaryWeight ? std::optional(Criterion::sweep)
                                                                           : std::nullopt;
        case Counted::ports:
            break;
    }
    const std::uint32_t burst = burst_of(subject.who, limits);
    if (burst > 0 && seen.recent >= burst && seen.weight >= burst * kOrdinaryWeight) {
        return Criterion::burst;
    }
    const std::uint64_t points = std::uint64_t{threshold_of(subject.who, limits)} * kOrdinaryWeight;
    return seen.weight >= points ? std::optional(Criterion::patient) : std::nullopt;
}

std::uint32_t bar_of(const Subject& subject, const Limits& limits) {
    if (limits.rule == DetectionRule::plain) {
        return limits.threshold;
    }
    switch (subject.counted) {
        case Counted::ambiguous:
            return limits.ambiguous_threshold;
        case Counted::hosts:
            return limits.sweep_threshold;
        case Counted::ports:
            break;
    }
    return threshold_of(subject.who, limits);
}

std::uint32_t sources_among(const std::vector<Tried>& tried) {
    std::uint32_t seen = 0;
    for (const Tried& one : tried) {
        seen |= 1U << one.item.kind;
    }
    return static_cast<std::uint32_t>(std::popcount(seen));
}

}  // namespace farewell::core

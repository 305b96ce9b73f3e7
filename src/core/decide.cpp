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

void observe_network(Observations& observations, const Probe& probe, std::uint8_t length,
                     const Limits& limits) {
    const Prefix network = Prefix::of(probe.source, length);
    if (threshold_of(network, limits) > 0) {
        observations.push_back({.subject = {.who = network},
                                .item = {.what = port_item(probe.port),
                                         .kind = source_nibble(probe.source, length, limits),
                                         .weight = probe.weight()}});
    }
}

/// Peer-to-peer programs and QUIC clients ask very many hosts for one UDP port, and most do not answer.
bool is_sweep_evidence(Rule rule) {
    return rule != Rule::udp && rule != Rule::udp_ephemeral;
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
    if (who.is_address()) {
        return limits.threshold;
    }
    if (who.address.family() == Family::ipv4) {
        return who.length == kIpv4NetworkLength ? limits.threshold_24 : 0;
    }
    if (who.length == kSubnetLength) {
        return limits.threshold_64;
    }
    return who.length == kSiteLength ? limits.threshold_48 : 0;
}

std::uint32_t tag_of_host(const Address& host, const Limits& limits) {
    return tag_of(host, limits) | 1U;  // 0 is no host
}

Observations observations_of(const Probe& probe, const Limits& limits) {
    Observations observations;
    const Prefix source = Prefix::of(probe.source);
    const Item item{.what = port_item(probe.port),
                    .kind = static_cast<std::uint8_t>(probe.rule),
                    .weight = probe.weight()};
    if (limits.rule == DetectionRule::plain) {
        observations.push_back({.subject = {.who = source}, .item = item});
        return observations;
    }
    if (is_ambiguous(probe.rule)) {
        observations.push_back({.subject = {.who = source, .counted = Counted::ambiguous}, .item = item});
        return observations;
    }
    // On its way through us each host behind is scanned for itself; what comes to us is one target.
    const std::uint32_t host = probe.is_forwarded ? tag_of_host(probe.destination, limits) : 0U;
    observations.push_back({.subject = {.who = source, .host = host}, .item = item});
    if (probe.is_forwarded && limits.sweep_threshold > 0 && is_sweep_evidence(probe.rule)) {
        observations.push_back(
            {.subject = {.who = source, .host = port_item(probe.port), .counted = Counted::hosts},
             .item = {.what = host_item(probe.destination, limits),
                      .kind = static_cast<std::uint8_t>(probe.rule),
                      .weight = probe.weight()}});
    }
    for (const std::uint8_t length : counted_lengths(probe.source.family())) {
        observe_network(observations, probe, length, limits);
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

std::uint32_t sources_among(const std::vector<Tried>& tried) {
    std::uint32_t seen = 0;
    for (const Tried& one : tried) {
        seen |= 1U << one.item.kind;
    }
    return static_cast<std::uint32_t>(std::popcount(seen));
}

}  // namespace farewell::core

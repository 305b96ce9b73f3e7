// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/detector.hpp"

#include <algorithm>
#include <utility>

namespace farewell::core {
namespace {

constexpr std::size_t kAmbiguousShare = 16;  // a sixteenth of the memory

TableLimits evidence_limits(const Limits& limits) {
    return {.memory_bytes = limits.memory_bytes - limits.memory_bytes / kAmbiguousShare,
            .window = limits.window,
            .burst_window = limits.burst_window,
            .hash_key = limits.hash_key};
}

TableLimits ambiguous_limits(const Limits& limits) {
    return {.memory_bytes = limits.memory_bytes / kAmbiguousShare,
            .window = limits.ambiguous_window,
            .burst_window = limits.burst_window,
            .hash_key = limits.hash_key};
}

// A record's two notes: what its probes looked like, where the bit of "no tool" is free to say that a
// handshake was completed; and the last TTL.
constexpr Tools kProven = 1U << static_cast<unsigned>(Tool::none);

void take_note(SourceTable::Notes& notes, const Probe& probe) {
    notes[0] |= static_cast<std::uint8_t>(bit_of(probe.tool) | (probe.is_proven ? kProven : 0U));
    notes[1] = probe.ttl;
}

TriedPort port_of(const Tried& tried, bool is_of_network) {
    return {.port = {.protocol = static_cast<std::uint8_t>(tried.item.what >> 16U),
                     .number = static_cast<std::uint16_t>(tried.item.what)},
            .rule = is_of_network ? std::nullopt : std::optional(static_cast<Rule>(tried.item.kind)),
            .weight = tried.item.weight,
            .seen = tried.seen};
}

}  // namespace

Detector::Detector(const Limits& limits)
    : limits_(limits), sources_(evidence_limits(limits)), ambiguous_(ambiguous_limits(limits)) {}

SourceTable& Detector::table_of(const Subject& subject) {
    return subject.counted == Counted::ambiguous ? ambiguous_ : sources_;
}
const SourceTable& Detector::table_of(const Subject& subject) const {
    return subject.counted == Counted::ambiguous ? ambiguous_ : sources_;
}

Detector::Judgement Detector::on_probe(const Probe& probe, Time now) {
    Judgement judgement;
    for (const Observation& observation : observations_of(probe, limits_)) {
        const SourceTable::Seen seen =
            table_of(observation.subject).on_probe(observation.subject, observation.item, now);
        if (seen.notes != nullptr) {
            take_note(*seen.notes, probe);
        }
        // What an address has tried before, its networks have heard of as well.
        if (observation.subject.who.is_address() && observation.subject.counted != Counted::hosts) {
            judgement.is_repeated = seen.tracked && !seen.is_new;
            if (!judgement.is_repeated) {
                company_.remember(probe.source, probe.port, now);
            }
        }
        if (const auto criterion = criterion_met(observation.subject, seen, limits_)) {
            judgement.candidates.push_back({.subject = observation.subject, .criterion = *criterion});
        }
    }
    return judgement;
}

void Detector::prefetch_set(const Probe& probe) const {
    for (const Observation& observation : observations_of(probe, limits_)) {
        table_of(observation.subject).prefetch_set(observation.subject);
    }
}

void Detector::prefetch_record(const Probe& probe) const {
    for (const Observation& observation : observations_of(probe, limits_)) {
        table_of(observation.subject).prefetch_record(observation.subject);
    }
}

std::optional<Decision> Detector::conclude(const Candidate& candidate, const Probe& probe, Time now) {
    const Subject& subject = candidate.subject;
    std::vector<Tried> tried = table_of(subject).tried(subject, now);
    const bool is_network = !subject.who.is_address();
    const std::uint32_t sources = is_network ? sources_among(tried) : 1;
    if (is_network && sources < Limits::kNetworkSourcesMin) {
        return std::nullopt;
    }
    std::vector<Address> companions;
    if (!is_network &&
        (candidate.criterion == Criterion::patient || candidate.criterion == Criterion::burst)) {
        companions = company_.companions(probe.source, now);
        decoys_recognised_ += companions.empty() ? 0U : 1U;
    }
    Decision decision{.source = candidate.narrowed.value_or(subject.who),
                      .soft = candidate.criterion == Criterion::ambiguous || candidate.narrowed ||
                              (!companions.empty() && limits_.decoys == DecoyTreatment::soft),
                      .spared = !companions.empty() && limits_.decoys == DecoyTreatment::observe,
                      .evidence = evidence_of(subject, std::move(tried), now)};
    decision.evidence.criterion = candidate.criterion;
    if (candidate.narrowed) {
        decision.evidence.wider = networks_around(*candidate.narrowed, now);  // why no wider
    }
    decision.evidence.companions = std::move(companions);
    decision.evidence.sources_at_least = sources;
    if (probe.port.protocol == protocol::kTcp) {
        decision.evidence.tcp = {.window = probe.tcp_window, .option_bytes = probe.tcp_options};
    }
    if (subject.counted == Counted::hosts) {
        decision.evidence.ports = {
            {.port = probe.port, .rule = probe.rule, .weight = probe.weight(), .seen = now}};
    }
    if (!decision.spared && !candidate.narrowed) {
        table_of(subject).take(subject, now);
    }
    return decision;
}

Evidence Detector::evidence_of(const Subject& subject, std::vector<Tried> tried, Time now) const {
    Evidence evidence;
    const auto [looks, ttl] = table_of(subject).notes(subject);
    evidence.tools = looks & static_cast<Tools>(~kProven);
    evidence.is_proven = (looks & kProven) != 0;
    evidence.ttl = ttl;
    evidence.distinct = static_cast<std::uint32_t>(tried.size());
    for (const Tried& one : tried) {
        evidence.weight += one.item.weight;
    }
    if (subject.counted != Counted::hosts) {
        tried.resize(std::min(tried.size(), limits_.evidence_ports_max));
        evidence.ports.reserve(tried.size());
        for (const Tried& one : tried) {
            evidence.ports.push_back(port_of(one, !subject.who.is_address()));
        }
    }
    evidence.wider = networks_around(subject.who, now);
    return evidence;
}

std::vector<SourceStanding> Detector::nearest(std::size_t most, Time now) const {
    // One source may be known by several subjects: of each host behind us, and of sweeps.
    constexpr std::size_t kSubjectsOfASource = 4;
    const bool is_plain = limits_.rule == DetectionRule::plain;
    const std::uint32_t unit = is_plain ? 1 : kOrdinaryWeight;
    std::uint32_t lowest = limits_.threshold;
    for (const std::uint32_t bar :
         {limits_.sweep_threshold, limits_.threshold_24, limits_.threshold_64, limits_.threshold_48}) {
        lowest = bar == 0 ? lowest : std::min(lowest, bar);
    }
    std::vector<SourceStanding> standings;
    for (const SourceTable::Standing& ranked :
         sources_.nearest(most * kSubjectsOfASource, now,
                          is_plain ? SourceTable::Scale::distinct : SourceTable::Scale::weight, lowest * unit,
                          [&](const Subject& subject) { return bar_of(subject, limits_) * unit; })) {
        const bool is_known = std::ranges::any_of(
            standings, [&](const SourceStanding& standing) { return standing.source == ranked.subject.who; });
        if (!is_known && standings.size() < most) {
            standings.push_back(standing_of(ranked, now));
        }
    }
    return standings;
}

SourceStanding Detector::standing_of(const SourceTable::Standing& ranked, Time now) const {
    const auto [looks, ttl] = ranked.notes;
    SourceStanding standing{.source = ranked.subject.who,
                            .counted = ranked.subject.counted,
                            .distinct = ranked.distinct,
                            .weight = ranked.weight,
                            .threshold = bar_of(ranked.subject, limits_),
                            .share = ranked.share,
                            .tools = static_cast<Tools>(looks & static_cast<Tools>(~kProven)),
                            .ttl = ttl,
                            .is_proven = (looks & kProven) != 0,
                            .last = ranked.last,
                            .ports = {}};
    if (standing.counted != Counted::hosts && standing.distinct <= limits_.evidence_ports_max) {
        for (const Tried& one : sources_.tried(ranked.subject, now)) {
            standing.ports.push_back(port_of(one, false).port);
        }
    }
    return standing;
}

std::vector<WiderNetwork> Detector::networks_around(const Prefix& who, Time now) const {
    std::vector<WiderNetwork> around;
    if (limits_.rule == DetectionRule::plain) {
        return around;
    }
    for (const std::uint8_t length : counted_lengths(who.address.family())) {
        const Prefix network = Prefix::of(who.address, length);
        if (length >= who.length || threshold_of(network, limits_) == 0) {
            continue;
        }
        WiderNetwork wider{.network = network, .weight = 0, .threshold = threshold_of(network, limits_)};
        for (const Tried& one : sources_.tried({.who = network}, now)) {
            wider.weight += one.item.weight;
        }
        around.push_back(wider);
    }
    return around;
}

Evidence Detector::report(const Address& source, Time now, const std::optional<Address>& host) const {
    const Subject ports{
        .who = Prefix::of(source),
        .host = host && limits_.rule == DetectionRule::balanced ? tag_of_host(*host, limits_) : 0U,
        .counted = Counted::ports};
    Evidence evidence = evidence_of(ports, sources_.tried(ports, now), now);
    const Subject ambiguous{.who = ports.who, .host = 0, .counted = Counted::ambiguous};
    for (const Tried& one : ambiguous_.tried(ambiguous, now)) {
        if (evidence.ports.size() < limits_.evidence_ports_max) {
            evidence.ports.push_back(port_of(one, false));
        }
    }
    return evidence;
}

void Detector::forget(const Address& source, Time now) {
    for (const Counted counted : {Counted::ports, Counted::ambiguous}) {
        const Subject subject{.who = Prefix::of(source), .host = 0, .counted = counted};
        table_of(subject).take(subject, now);
    }
}

void Detector::forget_expired(Time now) {
    sources_.forget_expired(now);
    ambiguous_.forget_expired(now);
}

void Detector::reconfigure(const Limits& limits, Time now) {
    limits_ = limits;
    sources_.reconfigure(evidence_limits(limits), now);
    ambiguous_.reconfigure(ambiguous_limits(limits), now);
}

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/engine.hpp"

#include <algorithm>
#include <utility>

#include "core/bannable.hpp"
#include "core/engine_state.hpp"

namespace farewell::core {

Engine::Engine(const Limits& limits, const std::vector<Prefix>& allowlist)
    : state_(std::make_unique<State>(limits, allowlist)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

std::optional<Ban> Engine::on_probe(const Probe& probe, Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    ++state.counters.probes;
    if (state.allowlist.contains(probe.source)) {
        ++state.counters.probes_allowlisted;
        return std::nullopt;
    }
    if (state.knowledge->is_protected(probe.source)) {
        ++state.counters.probes_protected;
        return std::nullopt;
    }
    if (const State::Covered covered = state.on_probe_of_banned(probe.source, now); covered.by_any) {
        return covered.again;
    }
    const Detector::Judgement judgement = state.detector.on_probe(probe, now);
    state.counters.probes_repeated += judgement.is_repeated ? 1U : 0U;
    for (Detector::Candidate candidate : judgement.candidates) {
        if (!state.may_be_banned(candidate.subject.who)) {
            candidate.narrowed = state.narrowed(candidate, probe, now);
            if (!candidate.narrowed) {
                continue;  // its addresses are judged each by itself
            }
        }
        if (auto decision = state.detector.conclude(candidate, probe, now)) {
            decision->evidence.interface = state.knowledge->interface_name(probe.interface);
            state.reconsider_companions(*decision, now);
            if (!decision->spared) {
                return state.decide(std::move(*decision), now);
            }
        }
    }
    return std::nullopt;
}

void Engine::look_ahead(std::span<const Arrival> burst, std::size_t index) const {
    // The head of a set has to have come before its record can be told; further ahead was no better.
    constexpr std::size_t kRecordAhead = 4;
    constexpr std::size_t kSetAhead = 8;
    const Detector& detector = state_->detector;
    if (!detector.is_prefetch_worth_it()) {
        return;
    }
    for (std::size_t i = index == 0 ? 0 : kSetAhead; i <= kSetAhead && index + i < burst.size(); ++i) {
        detector.prefetch_set(burst[index + i].probe);
    }
    if (index + kRecordAhead < burst.size()) {
        detector.prefetch_record(burst[index + kRecordAhead].probe);
    }
}

bool Engine::State::may_be_banned(const Prefix& source) const {
    return !allowlist.overlaps(source) && !knowledge->protected_in(source);
}

/// Of a network with somebody in it who must not be banned: a run of its addresses that scan together. Only a
/// burst is no chance meeting of clumsy neighbours.
std::optional<Prefix> Engine::State::narrowed(const Detector::Candidate& candidate, const Probe& probe,
                                              Time now) {
    if (candidate.subject.who.is_address() || candidate.criterion != Criterion::burst) {
        return std::nullopt;
    }
    const auto run = runs.add(probe.source, now);
    return run && !is_martian(*run) && may_be_banned(*run) ? run : std::nullopt;
}

Engine::State::Covered Engine::State::on_probe_of_banned(const Address& source, Time now) {
    Covered covered;
    std::vector<Prefix> over;  // empty but for the moment before the tick comes round
    for (const std::uint8_t length : bans.lengths(source.family())) {
        BanRecord* record = bans.find_around(source, length);
        if (record == nullptr) {
            continue;
        }
        if (record->ban.until <= now) {
            over.push_back(record->ban.source);
            continue;
        }
        covered.by_any = true;
        ++record->probes_after;
        const bool slipped_through =
            record->state == BanState::enforced && now - record->answered > kInForceAfter;
        const bool worth_a_retry = record->state == BanState::failed && now - record->answered > kRetryMin;
        if (!covered.again && (slipped_through || worth_a_retry)) {
            covered.again = hand_out(*record, now);
        }
    }
    for (const Prefix& ended : over) {
        expire(ended);
    }
    counters.probes_of_banned += covered.by_any ? 1 : 0;
    return covered;
}

const BanRecord* Engine::State::covering(const Prefix& source, Time now) const {
    const BanRecord* last = nullptr;
    for (const std::uint8_t length : bans.lengths(source.address.family())) {
        const BanRecord* record =
            length <= source.length ? bans.find_around(source.address, length) : nullptr;
        if (record != nullptr && record->ban.until > now &&
            (last == nullptr || record->ban.until > last->ban.until)) {
            last = record;
        }
    }
    return last;
}

std::optional<Ban> Engine::State::decide(Decision decision, Time now) {
    if (bans.size() >= limits.bans_max) {
        ++counters.bans_refused;  // and it has to earn its ban anew; kept, what it did would only grow
        return std::nullopt;
    }
    if (!budget.spend(now)) {
        ++counters.bans_withheld;
        return std::nullopt;
    }
    const bool is_unproven = !decision.evidence.is_proven && limits.unproven == UnprovenTreatment::soft;
    const bool soft = decision.soft || is_unproven;
    count_decided(now);
    counters.bans_soft += soft ? 1U : 0U;
    counters.bans_of_networks += decision.source.is_address() ? 0U : 1U;
    const std::uint32_t offence = offences.add(decision.source, now);
    BanRecord record;
    record.ban = {.source = decision.source,
                  .until = now + duration_of(soft, offence),
                  .reason = decision.evidence.criterion == Criterion::sweep ? BanReason::port_sweep
                                                                            : BanReason::port_scan,
                  .soft = soft,
                  .offence = offence};
    record.since = record.answered = now;
    record.evidence = std::move(decision.evidence);
    return hand_out(bans.put(std::move(record)), now);
}

/// Every queue hands over its packets by itself, so all of one source's probes may come before any of its
/// decoys': it was banned when nobody could know of them. What its ban would have been, it becomes now.
void Engine::State::reconsider_companions(const Decision& decision, Time now) {
    for (const Address& companion : decision.evidence.companions) {
        BanRecord* record = bans.find(Prefix::of(companion));
        if (record == nullptr || record->ban.reason != BanReason::port_scan ||
            now - record->since > Company::kRecently) {
            continue;
        }
        std::vector<Address>& known = record->evidence.companions;
        const auto place = std::ranges::lower_bound(known, decision.source.address);
        if (known.size() < Company::kCompanionsMax &&
            (place == known.end() || *place != decision.source.address)) {
            known.insert(place, decision.source.address);
        }
        if (record->ban.soft || limits.decoys == DecoyTreatment::ban) {
            continue;
        }
        ++counters.bans_soft;
        record->ban.until =
            std::min(record->ban.until, record->since + duration_of(true, record->ban.offence));
        change_form(*record, now);
    }
}

std::chrono::nanoseconds Engine::State::duration_of(bool soft, std::uint32_t offence) const {
    return core::duration_of(soft ? limits.soft_ban_duration : limits.ban_duration, offence, limits);
}

/// A soft ban becomes full, a full one soft: to be handed out anew, and to be told of.
void Engine::State::change_form(BanRecord& record, Time now) {
    record.ban.soft = !record.ban.soft;
    record.ban.changed_form = !record.ban.changed_form;
    record.state = BanState::pending;
    record.announced = false;
    bans.set_due(record, now);
}

void Engine::State::expire(const Prefix& source) {
    if (const BanRecord* record = bans.find(source)) {
        const BanReason banned_for = record->ban.reason;
        bans.remove(source);
        ++counters.unbans;
        expired.push_back({.source = source, .reason = UnbanReason::expired, .banned_for = banned_for});
    }
}

Ban Engine::State::hand_out(BanRecord& record, Time now) {
    record.state = BanState::pending;
    record.answered = now;
    bans.set_due(record, now + kRetryMax);  // an outcome that never comes is as good as a refusal
    return record.ban;
}

bool Engine::on_enforced(const Ban& ban, Time now) {
    State& state = *state_;
    BanRecord* record = state.bans.find(ban.source);
    if (record == nullptr || record->ban.until != ban.until) {
        return false;
    }
    ++state.counters.bans_enforced;
    record->state = BanState::enforced;
    record->answered = state.at_least_last(now);
    record->failures = 0;
    record->ban.changed_form = false;
    state.bans.set_due(*record, record->ban.until);
    return !std::exchange(record->announced, true);
}

std::optional<Ban> Engine::on_proven(const Address& source, Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    BanRecord* record = state.bans.find(Prefix::of(source));
    if (record == nullptr || record->ban.until <= now || !record->ban.soft ||
        !record->evidence.companions.empty() || record->evidence.criterion == Criterion::ambiguous) {
        return std::nullopt;
    }
    record->evidence.is_proven = true;
    record->ban.until =
        std::max(record->ban.until, record->since + state.duration_of(false, record->ban.offence));
    state.change_form(*record, now);
    return state.hand_out(*record, now);
}

void Engine::on_refused(const Prefix& source, Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    BanRecord* record = state.bans.find(source);
    if (record == nullptr) {
        return;
    }
    ++state.counters.bans_failed;
    record->state = BanState::failed;
    record->answered = now;
    const std::uint32_t doublings = std::min<std::uint32_t>(record->failures, 16);
    ++record->failures;
    const std::chrono::nanoseconds delay = kRetryMin * (1U << doublings);
    state.bans.set_due(*record, now + std::min<std::chrono::nanoseconds>(delay, kRetryMax));
}

Engine::Due Engine::on_tick(Time now, std::size_t most) {
    State& state = *state_;
    now = state.at_least_last(now);
    Due due;
    while (due.bans.size() + state.expired.size() < most) {
        BanRecord* record = state.bans.due(now);
        if (record == nullptr) {
            break;
        }
        if (record->ban.until <= now) {
            state.expire(Prefix(record->ban.source));  // by value: the record goes with it
        } else {
            due.bans.push_back(state.hand_out(*record, now));
        }
    }
    due.unbans = std::exchange(state.expired, {});
    state.detector.forget_expired(now);
    state.offences.forget_expired(now);
    return due;
}

std::optional<Time> Engine::next_due() const {
    return state_->expired.empty() ? state_->bans.next_due() : state_->last_now;
}

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/engine.hpp"

#include <algorithm>
#include <utility>

#include "core/allowlist.hpp"
#include "core/ban_budget.hpp"
#include "core/bannable.hpp"
#include "core/detector.hpp"

namespace farewell::core {

std::string_view name_of(BanReason reason) {
    switch (reason) {
        case BanReason::port_scan:
            return "port_scan";
        case BanReason::port_sweep:
            return "port_sweep";
        case BanReason::by_operator:
            return "by_operator";
    }
    return "unknown";
}

std::string_view name_of(UnbanReason reason) {
    switch (reason) {
        case UnbanReason::expired:
            return "expired";
        case UnbanReason::by_operator:
            return "by_operator";
        case UnbanReason::allowlisted:
            return "allowlisted";
        case UnbanReason::protected_address:
            return "protected_address";
    }
    return "unknown";
}

struct Engine::State {
    State(const Limits& new_limits, const std::vector<Prefix>& networks)
        : limits(new_limits),
          allowlist(networks),
          detector(limits),
          bans(limits.hash_key),
          budget(limits.bans_per_minute) {}

    /// Time may stand still, never go back.
    Time at_least_last(Time now) {
        last_now = std::max(last_now, now);
        return last_now;
    }

    /// What a probe met whose source is banned, alone or with others.
    struct Covered {
        bool by_any = false;
        std::optional<Ban> again;  // of the narrowest ban that has to be handed out again
    };
    Covered on_probe_of_banned(const Address& source, Time now);
    [[nodiscard]] const BanRecord* covering(const Prefix& source, Time now) const;
    std::optional<Ban> decide(Decision decision, Time now);
    void reconsider_companions(const Decision& decision, Time now);
    Evidence take_evidence(const Prefix& source, Time now);
    void expire(const Prefix& source);
    [[nodiscard]] std::optional<OrderResult> objection(const Prefix& source) const;
    Ban hand_out(BanRecord& record, Time now);
    template <typename IsExempt>
    std::vector<Unban> lift_bans(UnbanReason reason, IsExempt is_exempt);

    Limits limits;
    Allowlist allowlist;
    Detector detector;
    std::shared_ptr<const Knowledge> knowledge = std::make_shared<const Knowledge>();  // the edge's too
    BanBook bans;
    BanBudget budget;
    Counters counters;
    std::vector<Unban> expired;  // found over by a probe before the tick came round
    Time last_now = Time::min();
};

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
    for (const Detector::Candidate& candidate : judgement.candidates) {
        // A network with somebody in it who must not be banned is left alone; its addresses are judged each
        // by itself.
        if (state.allowlist.overlaps(candidate.subject.who) ||
            state.knowledge->protected_in(candidate.subject.who)) {
            continue;
        }
        if (auto decision = state.detector.conclude(candidate, probe, now)) {
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

Engine::State::Covered Engine::State::on_probe_of_banned(const Address& source, Time now) {
    Covered covered;
    for (const std::uint8_t length : ban_lengths(source.family())) {
        BanRecord* record = bans.find_around(source, length);
        if (record == nullptr) {
            continue;
        }
        if (record->ban.until <= now) {
            expire(Prefix(record->ban.source));  // by value: the record goes with it
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
    counters.probes_of_banned += covered.by_any ? 1 : 0;
    return covered;
}

const BanRecord* Engine::State::covering(const Prefix& source, Time now) const {
    const BanRecord* last = nullptr;
    for (const std::uint8_t length : ban_lengths(source.address.family())) {
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
    ++counters.bans_decided;
    counters.bans_soft += decision.soft ? 1U : 0U;
    counters.bans_of_networks += decision.source.is_address() ? 0U : 1U;
    const auto duration = decision.soft ? limits.soft_ban_duration : limits.ban_duration;
    BanRecord record;
    record.ban = {.source = decision.source,
                  .until = now + duration,
                  .reason = decision.evidence.criterion == Criterion::sweep ? BanReason::port_sweep
                                                                            : BanReason::port_scan,
                  .soft = decision.soft};
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
        record->ban.soft = true;
        record->ban.until = std::min(record->ban.until, record->since + limits.soft_ban_duration);
        record->state = BanState::pending;
        record->announced = false;
        bans.set_due(*record, now);
    }
}

/// What an address has tried; it starts from nothing. Of a wider prefix nothing: its addresses are tracked
/// each by itself.
Evidence Engine::State::take_evidence(const Prefix& source, Time now) {
    Evidence evidence;
    if (source.is_address()) {
        evidence = detector.report(source.address, now);
        detector.forget(source.address, now);
    }
    return evidence;
}

void Engine::State::expire(const Prefix& source) {
    if (bans.remove(source)) {
        ++counters.unbans;
        expired.push_back({.source = source, .reason = UnbanReason::expired});
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
    state.bans.set_due(*record, record->ban.until);
    return !std::exchange(record->announced, true);
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

Engine::Due Engine::on_tick(Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    Due due;
    while (BanRecord* record = state.bans.due(now)) {
        if (record->ban.until <= now) {
            state.expire(Prefix(record->ban.source));  // by value: the record goes with it
        } else {
            due.bans.push_back(state.hand_out(*record, now));
        }
    }
    due.unbans = std::exchange(state.expired, {});
    state.detector.forget_expired(now);
    return due;
}

std::optional<Time> Engine::next_due() const {
    return state_->expired.empty() ? state_->bans.next_due() : state_->last_now;
}

/// Why an order to ban this is refused, if it is.
std::optional<OrderResult> Engine::State::objection(const Prefix& source) const {
    if (!is_ban_length(source.address.family(), source.length)) {
        return OrderResult::no_length;
    }
    if (allowlist.overlaps(source)) {
        return OrderResult::allowlisted;
    }
    if (is_martian(source)) {
        return OrderResult::martian;
    }
    if (knowledge->protected_in(source)) {
        return OrderResult::protected_address;
    }
    return std::nullopt;
}

Engine::BanOrder Engine::order_ban(const Prefix& ordered, std::optional<std::chrono::nanoseconds> duration,
                                   Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    const Prefix source = Prefix::of(ordered.address, ordered.length);
    if (const auto objection = state.objection(source)) {
        return {.result = *objection, .ban = {}};
    }
    const Time until = now + duration.value_or(state.limits.ban_duration);
    if (const BanRecord* wider = state.covering(source, now);
        wider != nullptr && wider->ban.source != source && wider->state == BanState::enforced &&
        (!duration || wider->ban.until >= until)) {
        return {.result = OrderResult::already, .ban = {}};
    }
    if (BanRecord* known = state.bans.find(source); known != nullptr && known->ban.until > now) {
        if (!duration && known->state == BanState::enforced) {
            return {.result = OrderResult::already, .ban = {}};
        }
        if (duration) {
            known->ban.until = until;
            known->ban.reason = BanReason::by_operator;
            known->ban.soft = false;
        }
        return {.result = OrderResult::done, .ban = state.hand_out(*known, now)};
    }
    if (state.bans.size() >= state.limits.bans_max) {
        ++state.counters.bans_refused;
        return {.result = OrderResult::full, .ban = {}};
    }
    ++state.counters.bans_decided;
    BanRecord record;
    record.ban = {.source = source, .until = until, .reason = BanReason::by_operator, .soft = false};
    record.since = record.answered = now;
    record.evidence = state.take_evidence(source, now);
    return {.result = OrderResult::done, .ban = state.hand_out(state.bans.put(std::move(record)), now)};
}

OrderResult Engine::order_unban(const Prefix& ordered) {
    const Prefix source = Prefix::of(ordered.address, ordered.length);
    static_cast<void>(state_->take_evidence(source, state_->last_now));
    if (!state_->bans.remove(source)) {
        return state_->covering(source, state_->last_now) == nullptr ? OrderResult::not_banned
                                                                     : OrderResult::covered;
    }
    ++state_->counters.unbans;
    return OrderResult::done;
}

bool Engine::adopt(const Ban& ban, Time now) {
    now = state_->at_least_last(now);
    const Prefix source = Prefix::of(ban.source.address, ban.source.length);
    if (!is_ban_length(source.address.family(), source.length) || state_->allowlist.overlaps(source) ||
        state_->knowledge->protected_in(source) || state_->bans.size() >= state_->limits.bans_max) {
        return false;
    }
    BanRecord record;
    record.ban = ban;
    record.ban.source = source;
    record.state = BanState::enforced;
    record.since = record.answered = now;
    record.announced = true;
    state_->bans.put(std::move(record));
    return true;
}

std::vector<Unban> Engine::reconfigure(const Limits& limits, const std::vector<Prefix>& allowlist, Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    state.limits = limits;
    state.allowlist = Allowlist(allowlist);
    state.detector.reconfigure(limits, now);
    state.budget.reconfigure(limits.bans_per_minute);
    return state.lift_bans(UnbanReason::allowlisted,
                           [&state](const Prefix& source) { return state.allowlist.overlaps(source); });
}

std::vector<Unban> Engine::set_knowledge(std::shared_ptr<const Knowledge> knowledge) {
    State& state = *state_;
    state.knowledge = std::move(knowledge);
    return state.lift_bans(UnbanReason::protected_address, [&state](const Prefix& source) {
        return state.knowledge->protected_in(source).has_value();
    });
}

/// Whom `is_exempt` covers is banned no longer.
template <typename IsExempt>
std::vector<Unban> Engine::State::lift_bans(UnbanReason reason, IsExempt is_exempt) {
    std::vector<Unban> unbans;
    bans.for_each([&](const BanRecord& record) {
        if (is_exempt(record.ban.source)) {
            unbans.push_back({.source = record.ban.source, .reason = reason});
        }
    });
    for (const Unban& unban : unbans) {
        bans.remove(unban.source);
        ++counters.unbans;
    }
    return unbans;
}

std::vector<Ban> Engine::wanted(Time now) const {
    std::vector<Ban> wanted;
    wanted.reserve(state_->bans.size());
    state_->bans.for_each([&](const BanRecord& record) {
        if (record.ban.until > now) {
            wanted.push_back(record.ban);
        }
    });
    return wanted;
}

std::vector<BanRecord> Engine::bans(std::size_t max) const {
    std::vector<const BanRecord*> all;
    all.reserve(state_->bans.size());
    state_->bans.for_each([&](const BanRecord& record) { all.push_back(&record); });
    const auto shown = static_cast<std::ptrdiff_t>(std::min(max, all.size()));
    std::ranges::partial_sort(all, all.begin() + shown, [](const BanRecord* one, const BanRecord* other) {
        return std::pair(one->ban.until, one->ban.source) < std::pair(other->ban.until, other->ban.source);
    });
    std::vector<BanRecord> records;
    records.reserve(static_cast<std::size_t>(shown));
    for (auto record = all.begin(); record != all.begin() + shown; ++record) {
        records.push_back(**record);
    }
    return records;
}

SourceReport Engine::report(const Address& source, Time now, const std::optional<Address>& host) const {
    SourceReport report;
    report.allowlisted = state_->allowlist.contains(source);
    report.protected_address = state_->knowledge->is_protected(source);
    report.ban = covering_ban(Prefix::of(source), now);
    if (report.ban) {
        return report;
    }
    report.evidence = state_->detector.report(source, now, host);
    return report;
}

std::optional<BanRecord> Engine::ban_of(const Prefix& source, Time now) const {
    const BanRecord* record = state_->bans.find_around(source.address, source.length);
    return record != nullptr && record->ban.until > now ? std::optional(*record) : std::nullopt;
}

std::optional<BanRecord> Engine::covering_ban(const Prefix& source, Time now) const {
    const BanRecord* record = state_->covering(source, now);
    return record != nullptr ? std::optional(*record) : std::nullopt;
}

Counters Engine::counters() const {
    Counters counters = state_->counters;
    counters.decoys_recognised = state_->detector.decoys_recognised();
    counters.sources_evicted = state_->detector.sources().evicted();
    counters.sources_not_admitted = state_->detector.sources().not_admitted();
    return counters;
}
const Knowledge& Engine::knowledge() const {
    return *state_->knowledge;
}
const Limits& Engine::limits() const {
    return state_->limits;
}
std::size_t Engine::sources_tracked() const {
    return state_->detector.sources().size();
}
std::size_t Engine::suspects(Time now) const {
    return state_->detector.sources().count_with((state_->limits.threshold + 1) / 2, now);
}
bool Engine::is_degraded(Time now) const {
    return state_->detector.sources().degraded(now);
}
bool Engine::is_over_budget(Time now) const {
    return state_->budget.is_overdrawn(now);
}
std::size_t Engine::bans_wanted() const {
    return state_->bans.size();
}
std::size_t Engine::memory_used() const {
    return state_->detector.memory_used();
}

}  // namespace farewell::core

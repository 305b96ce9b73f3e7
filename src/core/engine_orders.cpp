// SPDX-License-Identifier: GPL-2.0-or-later
// The engine's other half: what the operator and the host say, and what is known.
#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

#include "core/bannable.hpp"
#include "core/engine_state.hpp"

namespace farewell::core {

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
                                   Time now, const OrderedBy& by) {
    State& state = *state_;
    now = state.at_least_last(now);
    const Prefix source = Prefix::of(ordered.address, ordered.length);
    if (const auto objection = state.objection(source)) {
        return {.result = *objection, .ban = {}};
    }
    const Time until = now + duration.value_or(state.limits.ban_duration);
    if (const BanRecord* wider = state.covering(source, now);
        wider != nullptr && wider->ban.source != source && wider->state == BanState::enforced &&
        !wider->ban.soft && (!duration || wider->ban.until >= until)) {
        return {.result = OrderResult::already, .ban = {}};
    }
    if (BanRecord* known = state.bans.find(source); known != nullptr && known->ban.until > now) {
        if (!duration && known->state == BanState::enforced && !known->ban.soft) {
            return {.result = OrderResult::already, .ban = {}};
        }
        if (duration || known->ban.soft) {
            known->ban.until = duration ? until : std::max(known->ban.until, until);
            known->ban.reason = by.reason;
            known->note = by.note;
        }
        if (known->ban.soft) {
            state.change_form(*known, now);
        }
        return {.result = OrderResult::done, .ban = state.hand_out(*known, now)};
    }
    if (state.bans.size() >= state.limits.bans_max) {
        ++state.counters.bans_refused;
        return {.result = OrderResult::full, .ban = {}};
    }
    state.count_decided(now);
    BanRecord record;
    record.ban = {.source = source, .until = until, .reason = by.reason, .soft = false};
    record.note = by.note;
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
    record.ban.offence = state_->offences.count(source, now);
    record.state = BanState::enforced;
    record.since = record.answered = now;
    record.announced = true;
    state_->bans.put(std::move(record));
    return true;
}

void Engine::remember_offences(const Prefix& source, std::uint32_t count, Time last) {
    state_->offences.restore(source, count, last);
    if (BanRecord* running = state_->bans.find(source)) {
        running->ban.offence = std::max(running->ban.offence, count);
    }
}

std::vector<Unban> Engine::reconfigure(const Limits& limits, const std::vector<Prefix>& allowlist, Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    state.limits = limits;
    state.allowlist = Allowlist(allowlist);
    state.detector.reconfigure(limits, now);
    state.budget.reconfigure(limits.bans_per_minute);
    state.offences.reconfigure(limits, now);
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

std::vector<Ban> Engine::wanted_after(const std::optional<Prefix>& after, std::size_t max, Time now) const {
    const auto place = [](const Prefix& source) { return std::pair(source.address.family(), source); };
    std::vector<const Ban*> rest;
    state_->bans.for_each([&](const BanRecord& record) {
        if (record.ban.until > now && (!after || place(*after) < place(record.ban.source))) {
            rest.push_back(&record.ban);
        }
    });
    const auto taken = static_cast<std::ptrdiff_t>(std::min(max, rest.size()));
    std::ranges::partial_sort(rest, rest.begin() + taken, {},
                              [&](const Ban* ban) { return place(ban->source); });
    std::vector<Ban> bans;
    bans.reserve(static_cast<std::size_t>(taken));
    std::ranges::transform(rest | std::views::take(taken), std::back_inserter(bans),
                           [](const Ban* ban) { return *ban; });
    return bans;
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

std::vector<BanRecord> Engine::some_bans(std::size_t each) const {
    std::vector<BanRecord> records;
    for (const BanRecord* record : state_->bans.outermost(each)) {
        records.push_back(*record);
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
std::vector<SourceStanding> Engine::top_sources(std::size_t most, Time now) const {
    return state_->detector.nearest(most, now);
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
std::size_t Engine::bans_wanted(Family family) const {
    return state_->bans.size(family);
}
std::uint64_t Engine::bans_of_last_hour(Time now) const {
    return state_->decided.count(now);
}
std::optional<Time> Engine::next_end() const {
    const auto first = state_->bans.outermost(1);
    return first.empty() ? std::nullopt : std::optional(first.front()->ban.until);
}
std::size_t Engine::offenders() const {
    return state_->offences.size();
}
std::size_t Engine::memory_used() const {
    return state_->detector.memory_used();
}

}  // namespace farewell::core

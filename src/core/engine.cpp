// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/engine.hpp"

#include <algorithm>
#include <utility>

#include "core/allowlist.hpp"
#include "core/source_table.hpp"

namespace farewell::core {

std::string_view name_of(BanReason reason) {
    switch (reason) {
        case BanReason::port_scan:
            return "port_scan";
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
    }
    return "unknown";
}

struct Engine::State {
    State(const Limits& new_limits, const std::vector<Prefix>& networks)
        : limits(new_limits),
          allowlist(networks),
          sources(limits.memory_bytes, limits.window, limits.hash_key),
          bans(limits.hash_key) {}

    /// Time may stand still, never go back.
    Time at_least_last(Time now) {
        last_now = std::max(last_now, now);
        return last_now;
    }

    std::optional<Ban> on_probe_of_banned(BanRecord& record, Time now);
    std::optional<Ban> decide(const Address& source, Time now);
    std::vector<TriedPort> take_evidence(const Address& source);
    void expire(const Address& source);
    Ban hand_out(BanRecord& record, Time now);

    Limits limits;
    Allowlist allowlist;
    SourceTable sources;
    BanBook bans;
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
    if (BanRecord* record = state.bans.find(probe.source)) {
        if (now < record->ban.until) {
            return state.on_probe_of_banned(*record, now);
        }
        state.expire(probe.source);
    }
    const SourceTable::Seen seen = state.sources.on_probe(probe, now);
    state.counters.sources_evicted = state.sources.evicted();
    if (!seen.new_port) {
        ++state.counters.probes_repeated;
    }
    // The cheap count may include ports older than the window: only when it suffices, they are looked at.
    if (seen.distinct_ports < state.limits.threshold ||
        state.sources.distinct_within(probe.source, now) < state.limits.threshold) {
        return std::nullopt;
    }
    return state.decide(probe.source, now);
}

std::optional<Ban> Engine::State::on_probe_of_banned(BanRecord& record, Time now) {
    ++counters.probes_of_banned;
    ++record.probes_after;
    const bool slipped_through = record.state == BanState::enforced && now - record.answered > kInForceAfter;
    const bool worth_a_retry = record.state == BanState::failed && now - record.answered > kRetryMin;
    if (slipped_through || worth_a_retry) {
        return hand_out(record, now);
    }
    return std::nullopt;
}

std::optional<Ban> Engine::State::decide(const Address& source, Time now) {
    if (bans.size() >= limits.bans_max) {
        ++counters.bans_refused;
        sources.take(source);  // it may earn its ban anew; kept, it would only grow
        return std::nullopt;
    }
    BanRecord record{.ban = {.source = source, .until = now + limits.ban_duration},
                     .state = BanState::pending,
                     .since = now,
                     .answered = now,
                     .announced = false,
                     .failures = 0,
                     .probes_after = 0,
                     .evidence = take_evidence(source)};
    ++counters.bans_decided;
    return hand_out(bans.put(std::move(record)), now);
}

/// What a source tried, as much of it as a ban keeps; it is tracked no longer.
std::vector<TriedPort> Engine::State::take_evidence(const Address& source) {
    std::vector<TriedPort> ports = sources.take(source);
    if (ports.size() > limits.evidence_ports_max) {
        ports.resize(limits.evidence_ports_max);
        ports.shrink_to_fit();
    }
    return ports;
}

void Engine::State::expire(const Address& source) {
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

bool Engine::on_enforced(const Address& source, Time now) {
    State& state = *state_;
    BanRecord* record = state.bans.find(source);
    if (record == nullptr) {
        return false;
    }
    ++state.counters.bans_enforced;
    record->state = BanState::enforced;
    record->answered = state.at_least_last(now);
    record->failures = 0;
    state.bans.set_due(*record, record->ban.until);
    return !std::exchange(record->announced, true);
}

void Engine::on_refused(const Address& source, Time now) {
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
            state.expire(Address(record->ban.source));  // by value: the record goes with it
        } else {
            due.bans.push_back(state.hand_out(*record, now));
        }
    }
    due.unbans = std::exchange(state.expired, {});
    state.sources.forget_expired(now);
    return due;
}

std::optional<Time> Engine::next_due() const {
    return state_->expired.empty() ? state_->bans.next_due() : state_->last_now;
}

Engine::BanOrder Engine::order_ban(const Address& source, std::optional<std::chrono::nanoseconds> duration,
                                   Time now) {
    State& state = *state_;
    now = state.at_least_last(now);
    if (state.allowlist.contains(source)) {
        return {.result = OrderResult::allowlisted, .ban = {}};
    }
    if (source.is_loopback() || source.is_unspecified() || source.is_multicast() ||
        source.is_limited_broadcast()) {
        return {.result = OrderResult::martian, .ban = {}};
    }
    const Time until = now + duration.value_or(state.limits.ban_duration);
    if (BanRecord* known = state.bans.find(source); known != nullptr && known->ban.until > now) {
        if (!duration && known->state == BanState::enforced) {
            return {.result = OrderResult::already, .ban = {}};
        }
        if (duration) {
            known->ban.until = until;
            known->ban.reason = BanReason::by_operator;
        }
        return {.result = OrderResult::done, .ban = state.hand_out(*known, now)};
    }
    if (state.bans.size() >= state.limits.bans_max) {
        ++state.counters.bans_refused;
        return {.result = OrderResult::full, .ban = {}};
    }
    ++state.counters.bans_decided;
    BanRecord& record =
        state.bans.put({.ban = {.source = source, .until = until, .reason = BanReason::by_operator},
                        .state = BanState::pending,
                        .since = now,
                        .answered = now,
                        .announced = false,
                        .failures = 0,
                        .probes_after = 0,
                        .evidence = state.take_evidence(source)});
    return {.result = OrderResult::done, .ban = state.hand_out(record, now)};
}

OrderResult Engine::order_unban(const Address& source) {
    state_->sources.take(source);
    if (!state_->bans.remove(source)) {
        return OrderResult::not_banned;
    }
    ++state_->counters.unbans;
    return OrderResult::done;
}

bool Engine::adopt(const Ban& ban, Time now) {
    now = state_->at_least_last(now);
    if (state_->allowlist.contains(ban.source) || state_->bans.size() >= state_->limits.bans_max) {
        return false;
    }
    BanRecord record;
    record.ban = ban;
    record.state = BanState::enforced;
    record.since = record.answered = now;
    record.announced = true;
    state_->bans.put(std::move(record));
    return true;
}

std::vector<Unban> Engine::reconfigure(const Limits& limits, const std::vector<Prefix>& allowlist, Time now) {
    State& state = *state_;
    state.at_least_last(now);
    state.limits = limits;
    state.allowlist = Allowlist(allowlist);
    state.sources.reconfigure(limits.memory_bytes, limits.window);
    std::vector<Unban> unbans;
    state.bans.for_each([&](const BanRecord& record) {
        if (state.allowlist.contains(record.ban.source)) {
            unbans.push_back({.source = record.ban.source, .reason = UnbanReason::allowlisted});
        }
    });
    for (const Unban& unban : unbans) {
        state.bans.remove(unban.source);
        ++state.counters.unbans;
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

SourceReport Engine::report(const Address& source, Time now) const {
    SourceReport report;
    report.allowlisted = state_->allowlist.contains(source);
    if (const BanRecord* record = state_->bans.find(source); record != nullptr && record->ban.until > now) {
        report.ban = *record;
        return report;
    }
    report.tried = state_->sources.tried_within(source, now);
    if (const SourceTable::Source* known = state_->sources.find(source)) {
        report.last_probe = known->last_probe;
    }
    return report;
}

const Counters& Engine::counters() const {
    return state_->counters;
}
const Limits& Engine::limits() const {
    return state_->limits;
}
std::size_t Engine::sources_tracked() const {
    return state_->sources.size();
}
std::size_t Engine::suspects(Time now) const {
    return state_->sources.count_with((state_->limits.threshold + 1) / 2, now);
}
std::size_t Engine::bans_wanted() const {
    return state_->bans.size();
}
std::size_t Engine::memory_used() const {
    return state_->sources.memory_used();
}

}  // namespace farewell::core

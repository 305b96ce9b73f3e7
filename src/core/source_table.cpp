// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/source_table.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "core/keyed_mix.hpp"

namespace farewell::core {
namespace {

TableLimits within_bounds(TableLimits limits) {
    using std::chrono::nanoseconds;
    limits.memory_bytes = std::clamp(limits.memory_bytes, TableLimits::kMemoryMin, TableLimits::kMemoryMax);
    limits.window = std::clamp<nanoseconds>(limits.window, TableLimits::kWindowMin, TableLimits::kWindowMax);
    limits.burst_window = std::clamp<nanoseconds>(limits.burst_window, nanoseconds(0), limits.window);
    return limits;
}

/// Of stored times: a window is at most 2^26 of them, so that 32 bits hold 64 windows.
Time::duration tick_length_for(Time::duration window) {
    return std::max<Time::duration>(std::chrono::milliseconds(1), window / (1 << 26) + Time::duration(1));
}

/// All expired records are found within so many ticks; a stored time wraps around after four times as many.
constexpr std::int64_t kTicksPerSweep = std::int64_t{1} << 30U;

constexpr std::uint8_t score_of(std::uint32_t weight) {
    return static_cast<std::uint8_t>(std::min<std::uint32_t>(weight, 255));
}

/// The bits of a hash that neither a set's nor a line's place depends on.
constexpr std::uint16_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint16_t>(hash);
}

}  // namespace

SourceTable::SourceTable(const TableLimits& limits)
    : limits_(within_bounds(limits)),
      tick_length_(tick_length_for(limits_.window)),
      window_(static_cast<Tick>(limits_.window / tick_length_)),
      burst_window_(static_cast<Tick>(limits_.burst_window / tick_length_)),
      sets_(limits_.memory_bytes / 16 * 5 / sizeof(Set) - 1),  // less one: alignment is in the budget, too
      store_(limits_.memory_bytes / 16 * 3, limits_.hash_key),
      admission_(limits_.memory_bytes / 2 - 1024, capacity(), limits_.hash_key),
      sweep_length_(tick_length_ * kTicksPerSweep),
      memory_used_(sets_.bytes() + store_.bytes() + admission_.bytes()) {}

SourceTable::Seen SourceTable::on_probe(const Subject& subject, const Item& item, Time now) {
    if (now - swept_ >= sweep_length_) {
        forget_expired(now);
    }
    const Tick tick = tick_of(now);
    const std::uint64_t hash = hash_of(subject);
    if (admission_.bar() > 1) {
        admission_.prefetch(hash);  // most probes of a flood end there, and both lines are far away
    }
    Set& set = set_of(hash);
    std::size_t way = find(set, hash, subject);
    if (way == kWays) {
        way = make_room(set, hash, item, now);
        if (way == kWays) {
            ++not_admitted_;
            return {.weight = item.weight};
        }
        occupy(set, way, hash, subject, tick);
    }
    const bool is_new = remember(set, way, item, tick);
    set.last[way] = tick;
    const Counts counts = this->counts(set, way, tick);
    set.score[way] = score_of(counts.weight);
    return {.tracked = true,
            .is_new = is_new,
            .distinct = counts.distinct,
            .weight = counts.weight,
            .recent = counts.recent,
            .notes = &set.record[way].notes};
}

void SourceTable::prefetch_set(const Subject& subject) const {
    const std::uint64_t hash = hash_of(subject);
    __builtin_prefetch(&sets_[place_of(hash, sets_.size())]);
    if (admission_.bar() > 1) {
        admission_.prefetch(hash);
    }
}

void SourceTable::prefetch_record(const Subject& subject) const {
    const std::uint64_t hash = hash_of(subject);
    const Set& set = sets_[place_of(hash, sets_.size())];
    for (std::size_t way = 0; way < kWays; ++way) {
        if (set.tag[way] == tag_of(hash)) {
            __builtin_prefetch(&set.record[way]);
            __builtin_prefetch(&set.record[way].items.back());
            return;
        }
    }
}

/// A way for a subject that has none; kWays if it is not admitted.
std::size_t SourceTable::make_room(Set& set, std::uint64_t hash, const Item& item, Time now) {
    const std::size_t way = weakest_of(set, tick_of(now));
    const bool is_free = set.state[way].is_free();
    // Nodes can be what is scarce: a flood of five ports a source empties records as fast as it fills them.
    if (is_free && !store_.is_scarce()) {
        return way;
    }
    if (!admission_.admit(hash, item.what, now)) {
        return kWays;
    }
    if (!is_free) {
        remove(set, way);
        ++evicted_;
    }
    return way;
}

/// A free way, freed now if it is expired; otherwise the one with the least weight, of several the oldest.
std::size_t SourceTable::weakest_of(Set& set, Tick now) {
    std::size_t weakest = 0;
    const auto rank = [&](std::size_t way) { return std::pair(set.score[way], ~(now - set.last[way])); };
    for (std::size_t way = 0; way < kWays; ++way) {
        if (!set.state[way].is_free() && is_expired(set.last[way], now)) {
            remove(set, way);
        }
        if (set.state[way].is_free()) {
            return way;
        }
        weakest = rank(way) < rank(weakest) ? way : weakest;
    }
    return weakest;
}

void SourceTable::occupy(Set& set, std::size_t way, std::uint64_t hash, const Subject& subject, Tick now) {
    set.tag[way] = tag_of(hash);
    set.last[way] = now;
    set.score[way] = 0;
    set.state[way] = {.counted = static_cast<std::uint8_t>(static_cast<unsigned>(subject.counted) & 3U),
                      .items = 0,
                      .in_store = 0};
    set.record[way] = {.who = subject.who, .notes = {}, .host = subject.host, .items = {}};
    ++size_;
}

bool SourceTable::remember(Set& set, std::size_t way, const Item& item, Tick now) {
    Record& record = set.record[way];
    State& state = set.state[way];
    if (state.in_store) {
        store_.expire(record.list, now, window_);
        return remember_in_store(set, way, item, now);
    }
    std::array<InlineItem, kInline>& items = record.items;
    const auto end = std::remove_if(items.begin(), items.begin() + state.items,
                                    [&](const InlineItem& known) { return is_expired(known.seen, now); });
    state.items = static_cast<std::uint8_t>(end - items.begin()) & 7U;
    const auto known = std::find_if(
        items.begin(), end, [&](const InlineItem& one) { return unpacked(one.packed).what == item.what; });
    if (known != end) {
        known->seen = now;
        if (item.weight > unpacked(known->packed).weight) {
            known->packed = packed(item);
        }
        return false;
    }
    if (state.items == kInline) {
        move_to_store(set, way, now);
        return state.in_store ? remember_in_store(set, way, item, now) : true;
    }
    items[state.items] = {.packed = packed(item), .seen = now};
    state.items = (state.items + 1U) & 7U;
    return true;
}

bool SourceTable::remember_in_store(Set& set, std::size_t way, const Item& item, Tick now) {
    ItemStore::List& list = set.record[way].list;
    const ItemStore::Owner owner = owner_of(set, way);
    if (store_.refresh(list, owner, item, now)) {
        return false;
    }
    if (!free_nodes(1, owner, now) || !store_.add(list, owner, item, now)) {
        ++overflowed_;
    }
    return true;
}

/// Leaves the record as it is, and counts the item that did not fit, when the store has no place.
void SourceTable::move_to_store(Set& set, std::size_t way, Tick now) {
    const ItemStore::Owner owner = owner_of(set, way);
    if (!free_nodes(kInline + 1, owner, now)) {
        ++overflowed_;
        return;
    }
    std::array<InlineItem, kInline> items = set.record[way].items;
    ItemStore::List list{};
    for (const InlineItem& one : items) {
        store_.add(list, owner, unpacked(one.packed), one.seen);
    }
    std::ranges::sort(items, std::greater(), [now](const InlineItem& one) { return now - one.seen; });
    for (const InlineItem& one : items) {
        store_.refresh(list, owner, unpacked(one.packed), one.seen);
    }
    set.record[way].list = list;
    set.state[way].items = 0;
    set.state[way].in_store = 1;
}

/// Sees to free nodes in the store: of the owners of a few nodes, the one not seen for longest is forgotten.
bool SourceTable::free_nodes(std::size_t count, ItemStore::Owner except, Tick now) {
    constexpr int kSampled = 8;
    while (store_.capacity() - store_.size() < count) {
        std::optional<ItemStore::Owner> victim;
        Tick longest = 0;
        for (int i = 0; i < kSampled; ++i) {
            const auto owner = store_.next_in_round();
            const Tick age = owner ? now - sets_[*owner / kWays].last[*owner % kWays] : 0;
            if (owner && *owner != except && (!victim || age > longest)) {
                victim = owner;
                longest = age;
            }
        }
        if (!victim) {
            return false;
        }
        if (longest < kPromisedPatience / tick_length_) {
            hurried_ = now;
        }
        remove(sets_[*victim / kWays], *victim % kWays);
        ++evicted_;
    }
    return true;
}

void SourceTable::remove(Set& set, std::size_t way) {
    if (set.state[way].in_store != 0) {
        store_.clear(set.record[way].list);
    }
    set.state[way] = {};
    --size_;
}

std::vector<Tried> SourceTable::take(const Subject& subject, Time now) {
    const std::uint64_t hash = hash_of(subject);
    Set& set = set_of(hash);
    const std::size_t way = find(set, hash, subject);
    if (way == kWays) {
        return {};
    }
    std::vector<Tried> tried = tried_of(set, way, now);
    remove(set, way);
    return tried;
}

std::vector<Tried> SourceTable::tried(const Subject& subject, Time now) const {
    const std::uint64_t hash = hash_of(subject);
    const Set& set = sets_[place_of(hash, sets_.size())];
    const std::size_t way = find(set, hash, subject);
    return way == kWays ? std::vector<Tried>() : tried_of(set, way, now);
}

SourceTable::Notes SourceTable::notes(const Subject& subject) const {
    const std::uint64_t hash = hash_of(subject);
    const Set& set = sets_[place_of(hash, sets_.size())];
    const std::size_t way = find(set, hash, subject);
    return way == kWays ? Notes{} : set.record[way].notes;
}

void SourceTable::forget_expired(Time now) {
    const auto share = static_cast<double>((now - swept_) / tick_length_) / kTicksPerSweep;
    const double all = static_cast<double>(sets_.size());
    std::size_t sets =
        std::max(kSetsPerSweep, static_cast<std::size_t>(std::ceil(std::min(share, 1.0) * all)));
    // on_probe sweeps in time, so nothing was seen later than kTicksPerSweep after the last sweep.
    const bool all_expired = share >= 2;
    swept_ = now;
    for (sets = std::min(sets, sets_.size()); sets > 0; --sets) {
        Set& set = sets_[next_sweep_];
        next_sweep_ = next_sweep_ + 1 < sets_.size() ? next_sweep_ + 1 : 0;
        for (std::size_t way = 0; way < kWays; ++way) {
            if (!set.state[way].is_free() && (all_expired || is_expired(set.last[way], tick_of(now)))) {
                remove(set, way);
            }
        }
    }
}

void SourceTable::reconfigure(const TableLimits& limits, Time now) {
    SourceTable next(limits);
    for_each(now, [&](const Set& set, std::size_t way) {
        const Record& record = set.record[way];
        next.restore(subject_of(record, set.state[way]), record.notes, tried_of(set, way, now), now);
    });
    next.evicted_ += evicted_;
    next.not_admitted_ += not_admitted_;
    next.overflowed_ += overflowed_;
    *this = std::move(next);
}

/// Of a full set the lightest gives way to a heavier one.
void SourceTable::restore(const Subject& subject, Notes notes, std::vector<Tried> tried, Time now) {
    std::erase_if(tried, [&](const Tried& one) { return is_expired(tick_of(one.seen), tick_of(now)); });
    if (tried.empty()) {
        return;
    }
    std::ranges::sort(tried, std::less(), &Tried::seen);
    const std::uint64_t hash = hash_of(subject);
    Set& set = set_of(hash);
    const std::size_t way = weakest_of(set, tick_of(now));
    if (!set.state[way].is_free()) {
        ++evicted_;
        std::uint32_t weight = 0;
        for (const Tried& one : tried) {
            weight += one.item.weight;
        }
        if (score_of(weight) <= set.score[way]) {
            return;
        }
        remove(set, way);
    }
    occupy(set, way, hash, subject, tick_of(now));
    set.record[way].notes = notes;
    for (const Tried& one : tried) {
        remember(set, way, one.item, tick_of(one.seen));
        set.last[way] = tick_of(one.seen);
    }
    set.score[way] = score_of(counts(set, way, tick_of(now)).weight);
}

Time::duration SourceTable::patience(Time now) const {
    return std::min<Time::duration>(limits_.window, admission_.remembers_for(now));
}

bool SourceTable::degraded(Time now) const {
    const bool hurried = hurried_ && (tick_of(now) - *hurried_) * tick_length_ < 10 * kPromisedPatience;
    return hurried || admission_.bar() > kPromisedBar || patience(now) < kPromisedPatience;
}

SourceTable::Counts SourceTable::counts(const Set& set, std::size_t way, Tick now) const {
    const Record& record = set.record[way];
    if (set.state[way].in_store != 0) {
        return {.distinct = record.list.count - store_.count_older(record.list, now, window_),
                .weight = record.list.weight,
                .recent = store_.count_recent(record.list, now, burst_window_, kRecentMax)};
    }
    Counts counts{};
    for (std::size_t i = 0; i < set.state[way].items; ++i) {
        const InlineItem& one = record.items[i];
        if (!is_expired(one.seen, now)) {
            ++counts.distinct;
            counts.weight += unpacked(one.packed).weight;
            counts.recent += now - one.seen < burst_window_ ? 1 : 0;
        }
    }
    return counts;
}

std::vector<Tried> SourceTable::tried_of(const Set& set, std::size_t way, Time now) const {
    const Tick tick = tick_of(now);
    const Record& record = set.record[way];
    std::vector<Tried> tried;
    const auto keep = [&](const Item& item, Tick seen) {
        if (!is_expired(seen, tick)) {
            tried.push_back({.item = item, .seen = now - (tick - seen) * tick_length_});
        }
    };
    if (set.state[way].in_store == 0) {
        for (std::size_t i = 0; i < set.state[way].items; ++i) {
            keep(unpacked(record.items[i].packed), record.items[i].seen);
        }
        return tried;
    }
    std::vector<ItemStore::Entry> entries = store_.entries(record.list);
    std::ranges::sort(entries, std::less(), &ItemStore::Entry::order);
    for (const ItemStore::Entry& entry : entries) {
        keep(entry.item, entry.seen);
    }
    return tried;
}

Subject SourceTable::subject_of(const Record& record, State state) {
    return {.who = record.who, .host = record.host, .counted = static_cast<Counted>(state.counted)};
}

std::size_t SourceTable::find(const Set& set, std::uint64_t hash, const Subject& subject) const {
    for (std::size_t way = 0; way < kWays; ++way) {
        const Record& record = set.record[way];
        const State state = set.state[way];
        if (set.tag[way] == tag_of(hash) && !state.is_free() && record.who == subject.who &&
            record.host == subject.host && state.counted == static_cast<std::uint8_t>(subject.counted)) {
            return way;
        }
    }
    return kWays;
}

std::uint64_t SourceTable::hash_of(const Subject& subject) const {
    const std::uint64_t rest = std::uint64_t{subject.host} << 16U | std::uint64_t{subject.who.length} << 8U |
                               static_cast<std::uint64_t>(subject.counted);
    return subject.who.address.hash(limits_.hash_key ^ rest);
}

ItemStore::Owner SourceTable::owner_of(const Set& set, std::size_t way) const {
    return static_cast<ItemStore::Owner>(static_cast<std::size_t>(&set - &sets_[0]) * kWays + way);
}

Tick SourceTable::tick_of(Time now) const {
    return static_cast<Tick>(now.time_since_epoch() / tick_length_);
}

}  // namespace farewell::core

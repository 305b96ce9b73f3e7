// SPDX-License-Identifier: GPL-2.0-or-later
// What sources have tried, in a fixed amount of memory, whatever a flood of forged sources does.
//
//   probe ─► known? ──yes──────────────────────────────► its record: count exactly
//               └─no─► a record free in its set? ──yes─► take it: exact from the first probe
//                          └─no─► Admission: seen with enough ports? ─yes─► replace the least suspicious
//                                                                  └─no──► not tracked (yet)
//
//   set, 512 bytes:  [ tag × 8 | last × 8 | score × 8 | state × 8 ]   one cache line, read to find and to
//   evict
//                    [ record × 8 ]      56 bytes: who, host, notes, and four items, or a list in the
//                    ItemStore
//
// The budget is split once: half for Admission, 5/16 for sets, 3/16 for the ItemStore. docs/memory.md derives
// what a flood can and cannot do to it.
//
// Use:     one instance, fed by one thread, told the time. Cost: O(1) a probe, two or three cache misses; no
//          allocation after construction but for what take, tried and top return.
// Counts:  never above the truth. Below it only for a source that was evicted, not admitted, or overflowed.
// Limits:  what it may use is TableLimits; what it did not keep it counts: evicted, not_admitted, overflowed.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/admission.hpp"
#include "core/item_store.hpp"
#include "core/keyed_mix.hpp"
#include "core/subject.hpp"
#include "core/time.hpp"
#include "core/zeroed_array.hpp"

namespace farewell::core {

struct TableLimits {
    static constexpr std::size_t kMemoryMin = std::size_t{64} << 10U;
    static constexpr std::size_t kMemoryMax = std::size_t{64} << 30U;
    static constexpr std::chrono::seconds kWindowMin{1};
    static constexpr std::chrono::days kWindowMax{366};

    std::size_t memory_bytes = std::size_t{16} << 20U;
    std::chrono::nanoseconds window = std::chrono::hours(24);  ///< an item counts while it is younger
    std::chrono::nanoseconds burst_window = std::chrono::seconds(2);
    std::uint64_t hash_key = 0;  ///< a random number that nobody outside knows
};

class SourceTable {
 public:
    /// Limits beyond their bounds are taken as the bound.
    explicit SourceTable(const TableLimits& limits);

    /// Two bytes of a record that mean nothing to the table.
    using Notes = std::array<std::uint8_t, 2>;

    struct Seen {
        bool tracked = false;        ///< otherwise there was no room, and the rest is of this probe alone
        bool is_new = true;          ///< not tried before within the window
        std::uint32_t distinct = 1;  ///< items within the window
        std::uint32_t weight = 0;    ///< of all of them, in quarters
        std::uint32_t recent = 1;    ///< those tried within the burst window, up to kRecentMax
        Notes* notes = nullptr;      ///< to read and write until the next call, if tracked
    };
    static constexpr std::uint32_t kRecentMax = 64;
    /// Remembers an item, or that it was tried again; of two weights of an item the heavier stays.
    Seen on_probe(const Subject& subject, const Item& item, Time now);
    /// Fetches what on_probe will look at, worth calls some probes ahead: first of all the head of the set,
    /// and when that has come, the record.
    void prefetch_set(const Subject& subject) const;
    void prefetch_record(const Subject& subject) const;

    /// Takes a subject out: what it tried within the window, in order of the first try.
    std::vector<Tried> take(const Subject& subject, Time now);
    [[nodiscard]] std::vector<Tried> tried(const Subject& subject, Time now) const;
    /// Zeroes for a subject without a record.
    [[nodiscard]] Notes notes(const Subject& subject) const;

    /// Frees what has expired in a part of the table. Call it at least once a second. O(kSetsPerSweep).
    void forget_expired(Time now);
    static constexpr std::size_t kSetsPerSweep = 1024;
    /// A new table takes the place of this one, with everything that fits. O(capacity).
    void reconfigure(const TableLimits& limits, Time now);

    /// Records in use, those expired but not yet swept included.
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t capacity() const { return sets_.size() * kWays; }
    /// Constant, at most TableLimits::memory_bytes.
    [[nodiscard]] std::size_t memory_used() const { return memory_used_; }
    [[nodiscard]] std::uint64_t evicted() const { return evicted_; }  ///< subjects forgotten for others
    [[nodiscard]] std::uint64_t not_admitted() const {
        return not_admitted_;
    }  ///< probes of subjects without one
    [[nodiscard]] std::uint64_t overflowed() const { return overflowed_; }  ///< items that found no node

    /// For how long a scanner may pause between two new items and still be counted, at the pressure of the
    /// last second; at most the window.
    [[nodiscard]] Time::duration patience(Time now) const;
    /// The table does not do now what it promises: to count a source that tries something new every second,
    /// from its kPromisedBar-th probe at the latest.
    [[nodiscard]] bool degraded(Time now) const;
    static constexpr std::chrono::seconds kPromisedPatience{1};
    static constexpr std::uint32_t kPromisedBar = 10;

    /// Subjects with at least `least` items within the window. O(capacity).
    [[nodiscard]] std::size_t count_with(std::uint32_t least, Time now) const;
    struct Ranked {
        Subject subject;
        std::uint32_t distinct;
    };
    /// The `most` subjects with the most items within the window, most first. O(capacity).
    [[nodiscard]] std::vector<Ranked> top(std::size_t most, Time now) const;

    /// What a ban is decided by.
    enum class Scale : std::uint8_t { weight, distinct };
    struct Standing {
        Subject subject;
        std::uint32_t distinct;
        std::uint32_t weight;
        Notes notes;
        Time last;     ///< when it was last tried, to a tick
        double share;  ///< of what bans it: 1 is a ban
    };
    /// What bans a subject, on the scale asked for; 0: nothing does.
    using Bar = std::function<std::uint32_t(const Subject&)>;
    /// The `most` subjects that are nearest to their bar, the nearest first; `lowest` is the least of all
    /// bars. O(capacity), but for most sources that is one look at the head of their set of eight: about
    /// half a millisecond for 100,000 of them.
    [[nodiscard]] std::vector<Standing> nearest(std::size_t most, Time now, Scale scale, std::uint32_t lowest,
                                                const Bar& bar) const;

 private:
    static constexpr std::size_t kWays = 8;
    static constexpr std::size_t kInline = 4;

    struct InlineItem {
        std::uint32_t packed;
        Tick seen;
    };
    struct Record {
        Prefix who;
        Notes notes;
        std::uint32_t host;
        union {
            std::array<InlineItem, kInline> items;  // in order of the first try
            ItemStore::List list;                   // once there were more
        };
    };
    static_assert(sizeof(Record) == 56);
    struct State {
        std::uint8_t counted : 2;
        std::uint8_t items : 3;  // how many are inline
        std::uint8_t in_store : 1;
        [[nodiscard]] bool is_free() const { return items == 0 && in_store == 0; }
    };
    struct alignas(64) Set {
        std::array<std::uint16_t, kWays> tag;
        std::array<Tick, kWays> last;
        std::array<std::uint8_t, kWays> score;  // items, up to 255
        std::array<State, kWays> state;
        std::array<Record, kWays> record;
    };
    static_assert(sizeof(Set) == 64 * kWays, "64 bytes a source, all included");

    struct Counts {
        std::uint32_t distinct;
        std::uint32_t weight;
        std::uint32_t recent;
    };

    [[nodiscard]] std::uint64_t hash_of(const Subject& subject) const;
    [[nodiscard]] Set& set_of(std::uint64_t hash) { return sets_[place_of(hash, sets_.size())]; }
    [[nodiscard]] std::size_t find(const Set& set, std::uint64_t hash, const Subject& subject) const;
    [[nodiscard]] Tick tick_of(Time now) const;
    [[nodiscard]] bool is_expired(Tick seen, Tick now) const { return now - seen >= window_; }
    [[nodiscard]] ItemStore::Owner owner_of(const Set& set, std::size_t way) const;
    [[nodiscard]] static Subject subject_of(const Record& record, State state);

    std::size_t make_room(Set& set, std::uint64_t hash, const Item& item, Time now);
    std::size_t weakest_of(Set& set, Tick now);
    void occupy(Set& set, std::size_t way, std::uint64_t hash, const Subject& subject, Tick now);
    void remove(Set& set, std::size_t way);
    void restore(const Subject& subject, Notes notes, std::vector<Tried> tried, Time now);

    bool remember(Set& set, std::size_t way, const Item& item, Tick now);
    bool remember_in_store(Set& set, std::size_t way, const Item& item, Tick now);
    void move_to_store(Set& set, std::size_t way, Tick now);
    bool free_nodes(std::size_t count, ItemStore::Owner except, Tick now);

    [[nodiscard]] Counts counts(const Set& set, std::size_t way, Tick now) const;
    [[nodiscard]] std::vector<Tried> tried_of(const Set& set, std::size_t way, Time now) const;
    /// The most that a source may come to on a scale, by the head of its set alone.
    [[nodiscard]] static std::uint32_t at_most(const Set& set, std::size_t way, Scale scale);
    /// Visits the sources that are not expired.
    template <typename Visit>
    void for_each(Time now, const Visit& visit) const {
        const Tick tick = tick_of(now);
        for (std::size_t index = 0; index < sets_.size(); ++index) {
            const Set& set = sets_[index];
            for (std::size_t way = 0; way < kWays; ++way) {
                if (!set.state[way].is_free() && !is_expired(set.last[way], tick)) {
                    visit(set, way);
                }
            }
        }
    }

    TableLimits limits_;
    Time::duration tick_length_;
    Tick window_;
    Tick burst_window_;
    ZeroedArray<Set> sets_;
    ItemStore store_;
    Admission admission_;
    Time::duration sweep_length_;  // in which all is swept at least once
    std::size_t memory_used_;
    std::size_t size_ = 0;
    std::size_t next_sweep_ = 0;  // the set that forget_expired looks at next
    Time swept_{};
    std::optional<Tick> hurried_;  // when the store last had to forget somebody within the promised patience
    std::uint64_t evicted_ = 0;
    std::uint64_t not_admitted_ = 0;
    std::uint64_t overflowed_ = 0;
};

}  // namespace farewell::core

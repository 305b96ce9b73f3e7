// SPDX-License-Identifier: GPL-2.0-or-later
// The sources that are not banned and what they have tried, within a budget of memory. When it is used up,
// the source not seen for longest is forgotten.
//
// Weakness, known: a flood of forged sources pushes a slow scanner out before it reaches the threshold.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/port_set.hpp"
#include "core/time.hpp"

namespace farewell::core {

class SourceTable {
 public:
    SourceTable(std::size_t memory_bytes, std::chrono::nanoseconds window, std::uint64_t hash_key = 0);

    struct Seen {
        bool new_port = false;
        std::size_t distinct_ports = 0;  // may still count ports older than the window; see distinct_within
    };
    /// Remembers a probe. Evicts others, never the probe's own source unless it alone exceeds the budget.
    Seen on_probe(const Probe& probe, Time now);
    /// Forgets the ports of a source that are older than the window; returns how many are left. O(ports).
    std::size_t distinct_within(const Address& source, Time now);

    /// Takes a source out: what it tried, in order of the first probe.
    std::vector<TriedPort> take(const Address& source);
    /// Forgets sources not seen within the window. Amortised O(1) a source.
    void forget_expired(Time now);
    /// New limits; evicts down to a smaller budget.
    void reconfigure(std::size_t memory_bytes, std::chrono::nanoseconds window);

    struct Source {
        Address address;
        Probe last_probe;
        Time last_seen;
        PortSet ports;
    };
    [[nodiscard]] const Source* find(const Address& source) const;
    [[nodiscard]] std::vector<TriedPort> tried_within(const Address& source, Time now) const;
    /// Sources with at least `least` ports within the window. O(all ports).
    [[nodiscard]] std::size_t count_with(std::size_t least, Time now) const;

    [[nodiscard]] std::size_t size() const { return by_address_.size(); }
    [[nodiscard]] std::size_t memory_used() const { return memory_used_; }
    [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

 private:
    // Records live in a deque (no doubling, no moving) and are linked from the least to the most recently
    // seen.
    using Index = std::uint32_t;
    static constexpr Index kNone = 0xffffffff;
    struct Record {
        Source source;
        Index older = kNone;
        Index newer = kNone;
    };
    // What a source costs besides its ports: its record, and its share of a hash table at its emptiest.
    static constexpr std::size_t kFixedBytes = sizeof(Record) + 2 * (sizeof(std::pair<Address, Index>) + 2);

    Index add(const Address& address);
    void remove(Index index);
    void link_newest(Index index);
    void unlink(Index index);
    void evict_beyond_budget(Index keep);

    std::size_t memory_max_;
    std::chrono::nanoseconds window_;
    boost::unordered_flat_map<Address, Index, KeyedHash> by_address_;
    std::deque<Record> records_;
    std::vector<Index> free_;
    Index oldest_ = kNone;
    Index newest_ = kNone;
    std::size_t memory_used_ = 0;
    std::uint64_t evicted_ = 0;
};

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// Who has been banned for what it did, and how often: repeat offenders are kept out longer. Bounded in number
// and age. An IPv6 address answers for its /64, from which it could as well have taken another.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "core/address.hpp"
#include "core/limits.hpp"
#include "core/prefix_map.hpp"
#include "core/time.hpp"

namespace farewell::core {

class OffenceBook {
 public:
    explicit OffenceBook(const Limits& limits);

    /// One more ban of this source. Returns how many there have been within the window, this one included.
    std::uint32_t add(const Prefix& source, Time now);
    /// So many bans were known before, the last one at `last`; what is known already is not made less.
    void restore(const Prefix& source, std::uint32_t count, Time last);
    [[nodiscard]] std::uint32_t count(const Prefix& source, Time now) const;
    void forget_expired(Time now);
    /// What is remembered stays, as far as the new limits allow.
    void reconfigure(const Limits& limits, Time now);
    [[nodiscard]] std::size_t size() const { return oldest_first_.size(); }

 private:
    struct Entry {
        std::uint32_t count = 0;
        Time last;
    };
    [[nodiscard]] bool is_over(const Entry& entry, Time now) const { return now - entry.last > window_; }
    void put(const Prefix& offender, const Entry& entry);
    void forget_oldest();

    std::size_t most_;
    std::chrono::nanoseconds window_;
    PrefixMap<Entry> entries_;
    std::set<std::pair<Time, Prefix>> oldest_first_;  // exactly one for each entry
};

/// How long the ban of an offence is: `first`, and each further one Limits::repeat_factor times as long as
/// the one before, up to Limits::ban_duration_max; never less than `first`.
[[nodiscard]] std::chrono::nanoseconds duration_of(std::chrono::nanoseconds first, std::uint32_t offence,
                                                   const Limits& limits);

}  // namespace farewell::core

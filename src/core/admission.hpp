// SPDX-License-Identifier: GPL-2.0-or-later
// Who is worth a record of its own when there are more sources than records: the first level of the table.
//
// A flood of forged sources differs from a scanner in one thing: each of them tries few ports, or the flood
// cannot be large. So while records are scarce, a source has to be seen with `bar` different ports first.
// Three bytes remember it meanwhile: sixteen bits of its hash, four of its last port's, and how often the
// port changed. A hit is a hint and nothing else: the record that a source earns here starts with the probe
// at hand.
//
//   line, 64 bytes:  [ tag × 21 | state × 21 | - ]    most recently seen first; a new cell pushes the last
//   out
//
// A line forgets in the order of the last probe, so a cell lives for about cells / (new sources a second),
// with little variance, whatever a flood does. The bar follows the pressure: it rises as soon as more sources
// pass it than the records can bear, and falls when the count of those that would pass a lower one allows.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/time.hpp"
#include "core/zeroed_array.hpp"

namespace farewell::core {

class Admission {
 public:
    /// `records`: how many there are to admit to.
    Admission(std::size_t memory_bytes, std::size_t records, std::uint64_t hash_key);

    /// A source without a record tried something, and no record is free. Returns whether it may take
    /// somebody's. `hash`: of the source.
    bool admit(std::uint64_t hash, std::uint32_t what, Time now);

    /// With how many different ports a source is admitted at the moment; 1: at once.
    [[nodiscard]] std::uint32_t bar() const { return bar_; }
    /// For how long a source is remembered at least between two probes, at the pressure of the last second.
    /// Zero if the flood has more ports a source than can be told from a scanner; Time::duration::max() if
    /// there is no pressure.
    [[nodiscard]] Time::duration remembers_for(Time now) const;

    [[nodiscard]] std::size_t bytes() const { return lines_.bytes(); }
    void prefetch(std::uint64_t hash) const { __builtin_prefetch(&lines_[line_of(hash)]); }

    static constexpr std::uint32_t kBarMax = 15;
    static constexpr std::size_t kCellsPerLine = 21;
    /// The records are to be replaced no faster than once in this time, if a bar can achieve it.
    static constexpr std::chrono::seconds kTurnover{300};

 private:
    struct alignas(64) Line {
        std::array<std::uint16_t, kCellsPerLine> tag;
        std::array<std::uint8_t, kCellsPerLine> state;  // count << 4 | hash of the last port; 0: no cell
    };
    static_assert(sizeof(Line) == 64);

    [[nodiscard]] std::size_t line_of(std::uint64_t hash) const;
    /// How many different ports in a row the source has tried now, this one included; 1 if it is new.
    std::uint32_t count(std::uint64_t hash, std::uint32_t what);
    bool passes(std::uint32_t count);
    void end_interval(Time now);

    static constexpr std::chrono::seconds kInterval{1};

    ZeroedArray<Line> lines_;
    double records_;
    std::uint64_t hash_key_;
    std::uint32_t bar_ = 1;
    double allowance_;  // admissions left before the bar rises
    Time interval_began_{};
    std::uint32_t admitted_ = 0;
    bool overrun_ = false;                              // the highest bar was passed by too many
    std::array<std::uint32_t, kBarMax + 1> reached_{};  // sources that came to a count in this interval

    double admitted_per_second_ = 0;
    double new_per_second_ = 0;
    bool was_overrun_ = false;
};

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// Every limit the core obeys, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace farewell::core {

struct Limits {
    static constexpr std::uint32_t kThresholdMin = 2;
    static constexpr std::uint32_t kThresholdMax = 65535;

    std::uint32_t threshold = 10;  ///< distinct (protocol, port) of one source that ban it
    std::chrono::nanoseconds window = std::chrono::hours(24);  ///< in which they must fall
    std::chrono::nanoseconds ban_duration = std::chrono::hours(12);
    std::size_t memory_bytes = std::size_t{16} << 20;  ///< for all that is remembered of unbanned sources
    std::size_t bans_max = 1'000'000;     ///< wanted bans at one time; more are refused and counted
    std::size_t evidence_ports_max = 64;  ///< ports kept per ban for explain
    std::uint64_t hash_key = 0;           ///< a random number that nobody outside knows: see KeyedHash
};

}  // namespace farewell::core

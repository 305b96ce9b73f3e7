// SPDX-License-Identifier: GPL-2.0-or-later
// Every limit the core obeys, in one place. docs/detection.md argues the defaults.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farewell::core {

enum class DetectionRule : std::uint8_t {
    balanced,  ///< evidence weighs, time counts, prefixes are counted
    plain,     ///< so many distinct closed ports of one address within the window, and nothing else
};

[[nodiscard]] constexpr std::string_view name_of(DetectionRule rule) {
    return rule == DetectionRule::plain ? "plain" : "balanced";
}

/// What to do with a source whose probes came in company: the same ports in the same order from several
/// sources at once, of which at most one is real.
enum class DecoyTreatment : std::uint8_t {
    soft,     ///< ban each softly
    ban,      ///< ban each like any other
    observe,  ///< ban none, only count them
};

/// What becomes of whom others may have sent in the name of: no connection of its was ever completed.
enum class UnprovenTreatment : std::uint8_t {
    soft,  ///< ban softly, for a shorter time: connections that stand are let be
    full,  ///< ban like any other
};

[[nodiscard]] constexpr std::string_view name_of(UnprovenTreatment treatment) {
    return treatment == UnprovenTreatment::soft ? "soft" : "full";
}

struct Limits {
    static constexpr std::uint32_t kThresholdMin = 2;
    static constexpr std::uint32_t kThresholdMax = 65535;

    DetectionRule rule = DetectionRule::balanced;
    std::uint32_t threshold = 10;  ///< points (plain: distinct closed ports) of one source that ban it
    std::chrono::nanoseconds window = std::chrono::hours(24);  ///< in which they must fall
    std::uint32_t burst = 5;                                   ///< distinct closed ports; 0: no such rule
    std::chrono::nanoseconds burst_window = std::chrono::seconds(2);  ///< in which they must fall
    std::uint32_t sweep_threshold = 32;  ///< hosts of one port, where many are behind us; 0: no such rule

    // Networks, counted as one source each: points that ban them; 0: not counted.
    std::uint32_t threshold_24 = 0;
    std::uint32_t threshold_64 = 20;
    std::uint32_t threshold_48 = 40;
    static constexpr std::uint32_t kNetworkSourcesMin =
        3;  ///< addresses (of a /48: /64s) that must take part

    // Packets that may be the tail of something ordinary.
    std::uint32_t ambiguous_threshold = 64;  ///< distinct ports; 0: no such rule
    std::chrono::nanoseconds ambiguous_window = std::chrono::minutes(1);

    DecoyTreatment decoys = DecoyTreatment::soft;
    UnprovenTreatment unproven = UnprovenTreatment::soft;
    std::chrono::nanoseconds ban_duration = std::chrono::hours(12);      ///< the first time
    std::chrono::nanoseconds soft_ban_duration = std::chrono::hours(1);  ///< the first time
    std::uint32_t repeat_factor = 2;  ///< each further ban is so many times longer; 1: they are all alike
    std::chrono::nanoseconds ban_duration_max =
        std::chrono::hours(24 * 7);                                        ///< they grow no further than that
    std::chrono::nanoseconds repeat_window = std::chrono::hours(24 * 30);  ///< after which a ban is forgotten

    static constexpr std::size_t kMemoryMin = std::size_t{1} << 20;
    std::size_t memory_bytes = std::size_t{16} << 20;  ///< for all that is remembered of unbanned sources
    std::uint32_t bans_per_minute = 1000;              ///< that detection may decide; 0: any number
    std::size_t bans_max = 1'000'000;     ///< wanted bans at one time; more are refused and counted
    std::size_t offenders_max = 100'000;  ///< remembered for repeat_window; the longest past go first
    std::size_t evidence_ports_max = 64;  ///< ports kept per ban for explain
    std::uint64_t hash_key = 0;           ///< a random number that nobody outside knows: see KeyedHash

    friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// A flood of forged sources against one scanner, in simulated time: how many probes until the scanner is
// known for what it is. The same for the test that runs on every build and for the benchmark with the big
// numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/source_table.hpp"

namespace farewell::test {

struct Flood {
    std::size_t memory_bytes = std::size_t{15} << 20U;  ///< for evidence, when detect.memory is 16 MiB
    core::Family family = core::Family::ipv4;
    double sources_per_second = 1e6;  ///< each never seen before
    std::uint32_t ports = 1;          ///< that each of them tries
    double spread_seconds = 0;        ///< between a source's first and its last probe
    double scanner_per_second = 1;    ///< probes, each of a new port
    std::uint32_t threshold = 10;     ///< ports at which the scanner counts as found
    std::uint32_t probes_max = 20;    ///< of the scanner; then it got away
};

struct FloodOutcome {
    std::optional<std::uint32_t> probes;  ///< of the scanner until it was found
    std::uint32_t most = 0;               ///< distinct ports it was ever known to have tried
    std::uint64_t probes_of_flood = 0;
    bool degraded = false;            ///< the table said at the end that it cannot keep its promise
    core::Time::duration patience{};  ///< and for how long it remembers
};

/// Lets the flood fill the table first. `seed` chooses addresses, ports and the hash key.
[[nodiscard]] FloodOutcome run(const Flood& flood, std::uint64_t seed);

}  // namespace farewell::test

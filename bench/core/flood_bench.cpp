// SPDX-License-Identifier: GPL-2.0-or-later
// flood_bench [SEEDS]: floods of forged sources against one scanner, in simulated time; prints a table. What
// is simulated is said in tests/support/flood.hpp, what to expect in docs/memory.md.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "flood.hpp"

namespace {

using farewell::test::Flood;
using farewell::test::FloodOutcome;

struct Case {
    std::string name;
    Flood flood;
};

std::vector<Case> cases() {
    constexpr auto kIpv6 = farewell::core::Family::ipv6;
    std::vector<Case> all;
    for (const double rate : {1e6, 1e5, 1e4}) {
        all.push_back({"one port each", {.sources_per_second = rate}});
        all.push_back({"three ports at once", {.sources_per_second = rate, .ports = 3}});
        all.push_back(
            {"three ports in 0.5 s", {.sources_per_second = rate, .ports = 3, .spread_seconds = 0.5}});
    }
    all.push_back({"IPv6, one port each", {.family = kIpv6}});
    all.push_back({"IPv6, three ports in 0.5 s", {.family = kIpv6, .ports = 3, .spread_seconds = 0.5}});
    all.push_back({"eight ports at once", {.sources_per_second = 125e3, .ports = 8}});
    // Beyond the guarantee.
    all.push_back({"! scanner every 4 s", {.scanner_per_second = 0.25}});
    all.push_back({"! sixteen ports at once", {.sources_per_second = 1e5, .ports = 16}});
    all.push_back({"! in 1 MiB", {.memory_bytes = std::size_t{1} << 20U}});
    return all;
}

/// Kilobytes that this process ever had in memory.
long rss_max_kib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

void run_case(const Case& one, std::uint64_t seeds) {
    std::vector<std::uint32_t> probes;
    std::uint64_t flooded = 0;
    std::uint64_t degraded = 0;
    std::uint32_t most = 0;
    double patience = 0;
    const auto began = std::chrono::steady_clock::now();
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const FloodOutcome outcome = farewell::test::run(one.flood, seed);
        if (outcome.probes) {
            probes.push_back(*outcome.probes);
        }
        flooded += outcome.probes_of_flood;
        degraded += outcome.degraded ? 1 : 0;
        most = std::max(most, outcome.most);
        patience = std::chrono::duration<double>(outcome.patience).count();
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
    std::ranges::sort(probes);
    const std::string found = fmt::format("{}/{}", probes.size(), seeds);
    const std::string needed = probes.empty()
                                   ? fmt::format("never ({})", most)
                                   : fmt::format("{} / {}", probes[probes.size() / 2], probes.back());
    fmt::print("{:<27} {:>9.0f} {:>7.2f} {:>7} {:>10} {:>9} {:>9.4g} {:>6.1f} {:>8}\n", one.name,
               one.flood.sources_per_second, one.flood.scanner_per_second, found, needed,
               fmt::format("{}/{}", degraded, seeds), patience, took.count() / static_cast<double>(flooded),
               rss_max_kib());
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t seeds = 20;
    if (argc > 2 ||
        (argc == 2 && std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), seeds).ec != std::errc())) {
        fmt::print(stderr, "usage: flood_bench [SEEDS]\n");
        return 2;
    }
    fmt::print("{:<27} {:>9} {:>7} {:>7} {:>10} {:>9} {:>9} {:>6} {:>8}\n", "flood (! beyond guarantee)",
               "sources/s", "scan/s", "found", "probes", "degraded", "patience", "ns", "RSS KiB");
    for (const Case& one : cases()) {
        run_case(one, seeds);
    }
}

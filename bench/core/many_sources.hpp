// SPDX-License-Identifier: GPL-2.0-or-later
// Sources by number, and which of them comes next: what the benchmarks of detection have in common.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "core/address.hpp"

namespace farewell::bench {

inline core::Address address_of(std::uint64_t number) {
    const std::uint64_t spread = number * 0x9e3779b97f4a7c15U;
    std::array<std::byte, 4> bytes{};
    std::memcpy(bytes.data(), reinterpret_cast<const std::byte*>(&spread) + 4, sizeof bytes);
    return core::Address::ipv4(bytes);
}

enum class Order { random, zipf };

/// Which source comes next: any, or few of them most of the time.
inline std::vector<std::uint32_t> order_of(std::size_t sources, Order order) {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::vector<std::uint32_t> numbers(1 << 20);
    for (std::uint32_t& number : numbers) {
        const double place = order == Order::random
                                 ? uniform(random) * static_cast<double>(sources)
                                 : std::pow(static_cast<double>(sources), uniform(random)) - 1;
        number = static_cast<std::uint32_t>(std::min(static_cast<std::size_t>(place), sources - 1));
    }
    return numbers;
}

inline void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);
}

}  // namespace farewell::bench

// SPDX-License-Identifier: GPL-2.0-or-later
// What one probe costs when so many sources are known, against the two obvious ways to remember them: a map
// of sets, and the linear list of the article that farewell follows.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/source_table.hpp"

namespace {

using namespace farewell::core;

Address address_of(std::uint64_t number) {
    const std::uint64_t spread = number * 0x9e3779b97f4a7c15U;
    std::array<std::byte, 4> bytes{};
    std::memcpy(bytes.data(), reinterpret_cast<const std::byte*>(&spread) + 4, sizeof bytes);
    return Address::ipv4(bytes);
}

struct FixedTable {
    explicit FixedTable(std::size_t sources)
        : table({.memory_bytes = std::max<std::size_t>(sources * 64 * 8, 1 << 20)}) {}
    std::uint32_t on_probe(const Address& source, std::uint16_t port, Time now) {
        return table.on_probe({.who = {.address = source, .length = 32}}, {.what = port}, now).distinct;
    }
    void prefetch(const Address& source) { table.prefetch({.who = {.address = source, .length = 32}}); }
    SourceTable table;
};

struct MapOfSets {
    explicit MapOfSets(std::size_t sources) { ports.reserve(sources); }
    std::size_t on_probe(const Address& source, std::uint16_t port, Time /*now*/) {
        auto& tried = ports[source];
        tried.insert(port);
        return tried.size();
    }
    void prefetch(const Address& /*source*/) {}
    std::unordered_map<Address, std::unordered_set<std::uint16_t>, KeyedHash> ports;
};

struct LinearList {
    explicit LinearList(std::size_t /*sources*/) {}
    std::size_t on_probe(const Address& source, std::uint16_t port, Time /*now*/) {
        auto known = std::ranges::find(sources, source, &Known::source);
        if (known == sources.end()) {
            known = sources.insert(sources.end(), {.source = source, .ports = {}});
        }
        if (std::ranges::find(known->ports, port) == known->ports.end()) {
            known->ports.push_back(port);
        }
        return known->ports.size();
    }
    void prefetch(const Address& /*source*/) {}
    struct Known {
        Address source;
        std::vector<std::uint16_t> ports;
    };
    std::vector<Known> sources;
};

enum class Order { random, zipf };

/// Which source comes next: any, or few of them most of the time.
std::vector<std::uint32_t> order_of(std::size_t sources, Order order) {
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

template <typename Table, Order kOrder, std::size_t kAhead>
void probe(benchmark::State& state) {
    const auto sources = static_cast<std::size_t>(state.range(0));
    Table table(sources);
    Time now{std::chrono::hours(1)};
    for (std::size_t number = 0; number < sources; ++number) {
        table.on_probe(address_of(number), 80, now);
    }
    const auto order = order_of(sources, kOrder);
    std::size_t next = 0;
    for (auto _ : state) {
        if constexpr (kAhead > 0) {
            table.prefetch(address_of(order[(next + kAhead) & (order.size() - 1)]));
        }
        const std::uint32_t number = order[next];
        benchmark::DoNotOptimize(
            table.on_probe(address_of(number), static_cast<std::uint16_t>(number & 3U), now));
        next = (next + 1) & (order.size() - 1);
        now += std::chrono::microseconds(1);
    }
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);
}

BENCHMARK(probe<FixedTable, Order::random, 0>)->Name("table/random")->Apply(sizes);
BENCHMARK(probe<FixedTable, Order::random, 8>)->Name("table/random, prefetched")->Apply(sizes);
BENCHMARK(probe<FixedTable, Order::zipf, 0>)->Name("table/zipf")->Apply(sizes);
BENCHMARK(probe<MapOfSets, Order::random, 0>)
    ->Name("map of sets/random")
    ->Arg(1000)
    ->Arg(100'000)
    ->Arg(1'000'000);
BENCHMARK(probe<MapOfSets, Order::zipf, 0>)
    ->Name("map of sets/zipf")
    ->Arg(1000)
    ->Arg(100'000)
    ->Arg(1'000'000);
BENCHMARK(probe<LinearList, Order::random, 0>)->Name("linear list/random")->Arg(1000)->Arg(10'000);

}  // namespace

BENCHMARK_MAIN();

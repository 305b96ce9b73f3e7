// SPDX-License-Identifier: GPL-2.0-or-later
// What one probe costs when so many sources are known, against the two obvious ways to remember them: a map
// of sets, and the linear list of the article that farewell follows.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/source_table.hpp"
#include "many_sources.hpp"

namespace {

using namespace farewell::core;
using farewell::bench::address_of;
using farewell::bench::Order;
using farewell::bench::order_of;
using farewell::bench::sizes;

Subject subject_of(const Address& source) {
    return {.who = Prefix::of(source)};
}

struct FixedTable {
    explicit FixedTable(std::size_t sources)
        : table({.memory_bytes = std::max<std::size_t>(sources * 64 * 8, 1 << 20)}) {}
    std::uint32_t on_probe(const Address& source, std::uint16_t port, Time now) {
        return table.on_probe(subject_of(source), {.what = port}, now).distinct;
    }
    void prefetch_set(const Address& source) { table.prefetch_set(subject_of(source)); }
    void prefetch_record(const Address& source) { table.prefetch_record(subject_of(source)); }
    SourceTable table;
};

struct MapOfSets {
    explicit MapOfSets(std::size_t sources) { ports.reserve(sources); }
    std::size_t on_probe(const Address& source, std::uint16_t port, Time /*now*/) {
        auto& tried = ports[source];
        tried.insert(port);
        return tried.size();
    }
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
    struct Known {
        Address source;
        std::vector<std::uint16_t> ports;
    };
    std::vector<Known> sources;
};

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
            table.prefetch_set(address_of(order[(next + kAhead) & (order.size() - 1)]));
            table.prefetch_record(address_of(order[(next + kAhead / 2) & (order.size() - 1)]));
        }
        const std::uint32_t number = order[next];
        benchmark::DoNotOptimize(
            table.on_probe(address_of(number), static_cast<std::uint16_t>(number & 3U), now));
        next = (next + 1) & (order.size() - 1);
        now += std::chrono::microseconds(1);
    }
}

/// One look through all sources, a few of which stand out: what `farewell watch` and `sources top` ask for.
void nearest(benchmark::State& state) {
    const auto sources = static_cast<std::size_t>(state.range(0));
    SourceTable table({.memory_bytes = std::max<std::size_t>(sources * 512, std::size_t{16} << 20U)});
    const Time now{std::chrono::hours(1)};
    for (std::size_t number = 0; number < sources; ++number) {
        for (std::uint32_t port = 0; port <= number % 997 / 249; ++port) {
            table.on_probe({.who = Prefix::of(address_of(number))}, {.what = port}, now);
        }
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            table.nearest(256, now, SourceTable::Scale::weight, 40, [](const Subject&) { return 40U; }));
    }
    state.counters["tracked"] = static_cast<double>(table.size());
}

BENCHMARK(nearest)->Name("table/nearest")->Arg(1000)->Arg(100'000)->Arg(1'000'000);
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

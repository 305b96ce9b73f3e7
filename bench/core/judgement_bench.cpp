// SPDX-License-Identifier: GPL-2.0-or-later
// What it costs to judge one packet, classify + track + decide, when so many sources are known: in bursts, as
// the engine thread takes them from its rings.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/engine.hpp"
#include "many_sources.hpp"

namespace {

using namespace farewell::core;
using farewell::bench::address_of;
using farewell::bench::Order;
using farewell::bench::order_of;

constexpr std::size_t kBurst = 256;

Packet syn_from(const Address& source, std::uint16_t port) {
    Packet packet;
    packet.source = source;
    packet.destination = address_of(0);
    packet.protocol = 6;
    packet.ttl = 57;
    packet.has_ports = packet.has_whole_header = true;
    packet.source_port = 40000;
    packet.destination_port = port;
    packet.tcp_flags = 0x02;
    packet.tcp_window = 64240;
    return packet;
}

Engine engine_for(std::size_t sources) {
    Limits limits;
    limits.memory_bytes = std::max<std::size_t>(sources * 64 * 8, Limits().memory_bytes);
    return {limits, {}};
}

template <Order kOrder>
void judge(benchmark::State& state) {
    const auto sources = static_cast<std::size_t>(state.range(0));
    const Knowledge knowledge;
    Engine engine = engine_for(sources);
    Time now{std::chrono::hours(1)};
    for (std::size_t number = 0; number < sources; ++number) {
        const Packet packet = syn_from(address_of(number), 80);
        static_cast<void>(engine.on_probe(probe_of(packet, Rule::syn), now));
    }
    const std::vector<std::uint32_t> order = order_of(sources, kOrder);
    std::vector<Arrival> burst(kBurst);
    std::size_t next = 0;
    for (auto _ : state) {
        for (Arrival& arrival : burst) {
            const std::uint32_t number = order[next];
            next = (next + 1) & (order.size() - 1);
            const Packet packet = syn_from(address_of(number), static_cast<std::uint16_t>(number & 3U));
            arrival = {.probe = probe_of(packet, classify(packet, knowledge, LinkDestination::unicast)),
                       .at = now};
            now += std::chrono::microseconds(1);
        }
        for (std::size_t i = 0; i < burst.size(); ++i) {
            engine.look_ahead(burst, i);
            benchmark::DoNotOptimize(engine.on_probe(burst[i].probe, burst[i].at));
        }
    }
    using benchmark::Counter;
    state.counters["a packet"] = Counter(kBurst, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

BENCHMARK(judge<Order::random>)->Name("judgement/random")->Apply(farewell::bench::sizes);
BENCHMARK(judge<Order::zipf>)->Name("judgement/zipf")->Apply(farewell::bench::sizes);

}  // namespace

// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon counts, as metrics for Prometheus. Facts in, metrics out; asks nobody. docs/metrics.md
// explains each. No label ever holds an address: what there is of a metric is bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "core/engine.hpp"
#include "daemon/documents.hpp"
#include "report/metric.hpp"

namespace farewell::daemon {

struct MetricsFacts {
    using WallTime = std::chrono::system_clock::time_point;

    StatusFacts status;
    WallTime started;
    WallTime config_loaded;
    WallTime verified;

    // The engine's.
    core::Counters counters;
    core::Limits limits;
    std::size_t sources_tracked = 0;
    std::size_t suspects = 0;
    std::size_t offenders = 0;
    std::size_t memory_used = 0;
    std::size_t bans_wanted = 0;
    bool is_memory_short = false;
    bool is_budget_spent = false;
    std::size_t own_addresses = 0;
    std::size_t gateways = 0;
    std::size_t resolvers = 0;
    std::size_t session_peers = 0;
    std::size_t served_ports = 0;
};

/// Engine thread: copies numbers, and counts suspects (O(sources tracked), as status does).
[[nodiscard]] MetricsFacts metrics_facts(const StatusFacts& status, const core::Engine& engine,
                                         core::Time now);

[[nodiscard]] std::vector<report::Metric> metrics_of(const MetricsFacts& facts);

}  // namespace farewell::daemon

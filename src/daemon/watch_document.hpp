// SPDX-License-Identifier: GPL-2.0-or-later
// What is seen by those who watch, as JSON. Facts in, JSON out; asks nobody.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/engine.hpp"
#include "daemon/watch_tap.hpp"
#include "source/packet_source.hpp"

namespace farewell::daemon {

/// As the engine thread has them at one moment.
struct WatchFacts {
    core::Time now;
    core::DetectionRule rule = core::DetectionRule::balanced;
    core::Counters counters;
    std::size_t tracked = 0;
    std::vector<core::SourceStanding> nearest;
    std::size_t bans = 0;
    std::vector<core::BanRecord> some_bans;
    std::string trouble;
    WatchTap::Taken taken;
};

/// As the receiving threads have them.
struct PacketFacts {
    std::uint64_t received = 0;
    std::uint64_t lost = 0;
};
[[nodiscard]] PacketFacts packet_facts(const std::vector<source::LaneStatus>& lanes);

struct WatchFrame {
    bool observing = false;
    core::Time started;
    PacketFacts packets;
    double packets_per_second = 0;
    double probes_per_second = 0;
    std::chrono::nanoseconds interval{};  ///< what the rates, the probes and the changes are of
};

/// farewell/watch/v1
[[nodiscard]] nlohmann::json watch_document(const WatchFrame& frame, const WatchFacts& facts);

}  // namespace farewell::daemon

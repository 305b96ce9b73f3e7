// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/table_content.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "report/address_text.hpp"

namespace farewell::config {
namespace {

/// As many closed ports as farewelld bans for by itself: who asks for them by SYN within that time is never
/// braked without being banned, but for a source that must not be and ports whose service has just gone.
/// Without the trap farewelld does not hear of what is braked, so it gets some more to judge by.
nft::Brake brake_of(const core::Limits& limits, bool is_told) {
    constexpr std::uint32_t kMoreToJudgeBy = 2;
    const bool has_burst = limits.rule == core::DetectionRule::balanced && limits.burst > 0;
    const std::uint32_t ports = has_burst ? std::min(limits.burst, limits.threshold) : limits.threshold;
    return {.ports = std::max(ports, 2U) + (is_told ? 0 : kMoreToJudgeBy),
            .window = std::chrono::ceil<std::chrono::milliseconds>(
                has_burst ? limits.burst_window : std::min(limits.burst_window, limits.window))};
}

nft::Trap trap_of(const Config& config) {
    nft::Trap trap;
    if (config.capture.source == CaptureSource::nflog) {
        trap.report = nft::LogGroup{.number = config.capture.group};
    } else {
        trap.report = nft::Queues{.first = config.capture.first_queue, .last = config.capture.last_queue};
    }
    trap.hold = std::chrono::ceil<std::chrono::milliseconds>(config.trap.hold);
    // Who only observes keeps nobody waiting either.
    trap.hesitation = config.mode == Mode::observe ? nft::Hesitation::off : config.trap.hesitation;
    for (const core::Prefix& network : config.trap.forward) {
        auto& networks = network.address.family() == core::Family::ipv4 ? trap.forward4 : trap.forward6;
        networks.push_back(report::to_text(network));
    }
    return trap;
}

}  // namespace

std::optional<nft::TableContent> table_content(const Config& config) {
    nft::TableContent content{.bans = config.mode == Mode::enforce};
    if (config.limits.unproven == core::UnprovenTreatment::full) {
        std::erase_if(content.sets, [](const nft::BannedSet& set) { return set.soft; });
    }
    if (config.trap.enabled) {
        content.trap = trap_of(config);
    }
    if (content.bans && config.trap.brake) {
        content.brake = brake_of(config.limits, config.trap.enabled);
    }
    return content.bans || content.trap ? std::optional(std::move(content)) : std::nullopt;
}

}  // namespace farewell::config

// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/table_content.hpp"

#include "report/address_text.hpp"

namespace farewell::config {
namespace {

nft::Trap trap_of(const Config& config) {
    nft::Trap trap;
    if (config.capture.source == CaptureSource::nflog) {
        trap.report = nft::LogGroup{.number = config.capture.group};
    } else {
        trap.report = nft::Queues{.first = config.capture.first_queue, .last = config.capture.last_queue};
    }
    // Who only observes keeps nobody waiting either.
    trap.hesitation = config.mode == Mode::observe ? nft::Hesitation::off : config.trap.hesitation;
    trap.hold = std::chrono::ceil<std::chrono::milliseconds>(config.trap.hold);
    for (const core::Prefix& network : config.trap.forward) {
        auto& networks = network.address.family() == core::Family::ipv4 ? trap.forward4 : trap.forward6;
        networks.push_back(report::to_text(network));
    }
    return trap;
}

}  // namespace

std::optional<nft::TableContent> table_content(const Config& config) {
    nft::TableContent content{.bans = config.mode == Mode::enforce, .trap = {}};
    if (config.limits.unproven == core::UnprovenTreatment::full) {
        std::erase_if(content.sets, [](const nft::BannedSet& set) { return set.soft; });
    }
    if (config.trap.enabled) {
        content.trap = trap_of(config);
    }
    return content.bans || content.trap ? std::optional(std::move(content)) : std::nullopt;
}

}  // namespace farewell::config

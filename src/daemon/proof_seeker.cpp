// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/proof_seeker.hpp"

namespace farewell::daemon {

void ProofSeeker::note(const core::Ban& ban, core::Time now) {
    if (flows_ != nullptr && ban.soft && ban.source.is_address()) {
        due_.emplace_back(now + kAskAfter, ban.source.address);
    }
}

void ProofSeeker::on_tick(core::Time now) {
    std::vector<core::Address> sources;
    while (!due_.empty() && due_.front().first <= now && sources.size() < FlowWorker::kWaitingMax) {
        sources.push_back(due_.front().second);
        due_.pop_front();
    }
    if (!sources.empty()) {
        // Where there is no room, which the worker counts, the ban stays soft.
        static_cast<void>(flows_->prove(std::move(sources), on_proven_));
    }
}

}  // namespace farewell::daemon

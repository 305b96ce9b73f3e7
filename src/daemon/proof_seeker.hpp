// SPDX-License-Identifier: GPL-2.0-or-later
// Finds out who of those banned softly is not forged: asks, some seconds after a ban, whether the source had
// connections that are over and none that stands.
//
// Use:      note() every ban, on_tick() at least once a second.
// Threads:  the engine's; `on_proven` is called on the flow worker's.
// Cost:     one question a tick at most, whatever the number of bans.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "core/action.hpp"
#include "core/time.hpp"
#include "daemon/flow_worker.hpp"

namespace farewell::daemon {

class ProofSeeker {
 public:
    using OnProven = std::function<void(const std::vector<core::Address>& proven)>;

    /// `flows` may be nullptr: then nobody is ever proven.
    ProofSeeker(FlowWorker* flows, OnProven on_proven) : flows_(flows), on_proven_(std::move(on_proven)) {}

    void note(const core::Ban& ban, core::Time now);
    void on_tick(core::Time now);

    /// A scanner's connections need a moment to close.
    static constexpr std::chrono::seconds kAskAfter{5};

 private:
    FlowWorker* flows_;
    OnProven on_proven_;
    std::deque<std::pair<core::Time, core::Address>> due_;  // the earliest first
};

}  // namespace farewell::daemon

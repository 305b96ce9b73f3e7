// SPDX-License-Identifier: GPL-2.0-or-later
// What the engine thread sets aside for those who watch: of the probes a fair sample, of bans and unbans the
// first. Bounded; what found no room is counted.
//
// Use:  there while somebody watches; note() what comes, take() it a few times a second. Threads: one.
// Cost: about 10 ns a probe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/arrival.hpp"
#include "history/event.hpp"

namespace farewell::daemon {

class WatchTap {
 public:
    struct SeenProbe {
        core::Time at;
        core::Address source;
        core::Port port;
    };
    struct Change {
        core::Time at;
        core::Prefix source;
        bool is_ban = false;  ///< otherwise an unban
        bool soft = false;
        std::string_view reason;
    };
    struct Taken {
        std::vector<SeenProbe> probes;  ///< in the order in which they came
        std::uint64_t probes_seen = 0;
        std::vector<Change> changes;
        std::uint64_t changes_seen = 0;
    };

    void note(const core::Arrival& arrival);
    void note(const history::Event& event);
    /// What has come since the last time.
    [[nodiscard]] Taken take();

    static constexpr std::size_t kProbesMax = 256;
    static constexpr std::size_t kChangesMax = 64;

 private:
    [[nodiscard]] std::uint64_t random_below(std::uint64_t bound);

    Taken taken_;
    std::uint64_t random_ = 0x9e3779b97f4a7c15;
};

}  // namespace farewell::daemon

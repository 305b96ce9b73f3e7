// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/watch_tap.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

namespace farewell::daemon {

/// Every probe has the same chance to be in the sample, whenever it came (Vitter's algorithm R).
void WatchTap::note(const core::Arrival& arrival) {
    ++taken_.probes_seen;
    const SeenProbe probe{.at = arrival.at, .source = arrival.probe.source, .port = arrival.probe.port};
    if (taken_.probes.size() < kProbesMax) {
        taken_.probes.push_back(probe);
    } else if (const std::uint64_t place = random_below(taken_.probes_seen); place < kProbesMax) {
        taken_.probes[place] = probe;
    }
}

void WatchTap::note(const history::Event& event) {
    Change change{.at = event.at, .source = {}, .reason = {}};
    if (const auto* banned = std::get_if<history::Banned>(&event.what)) {
        change.source = banned->ban.source;
        change.is_ban = true;
        change.soft = banned->ban.soft;
        change.reason = core::name_of(banned->ban.reason);
    } else if (const auto* unbanned = std::get_if<history::Unbanned>(&event.what)) {
        change.source = unbanned->unban.source;
        change.reason = core::name_of(unbanned->unban.reason);
    } else {
        return;
    }
    ++taken_.changes_seen;
    if (taken_.changes.size() < kChangesMax) {
        taken_.changes.push_back(change);
    }
}

WatchTap::Taken WatchTap::take() {
    Taken taken = std::exchange(taken_, {});
    std::ranges::stable_sort(taken.probes, std::less(), &SeenProbe::at);
    return taken;
}

/// Xorshift: nobody gains anything by guessing which probes are shown.
std::uint64_t WatchTap::random_below(std::uint64_t bound) {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    return random_ % bound;
}

}  // namespace farewell::daemon

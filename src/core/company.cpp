// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/company.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <utility>

namespace farewell::core {
namespace {

/// A source's place in the order of the one it is compared with.
struct Follower {
    std::size_t next = 0;    ///< the first of that one's ports that it may still match
    std::size_t common = 0;  ///< how many it has matched
};

struct Step {
    Port port;
    Time at;
};

/// Moves a follower on if this probe is the same step, taken at the same time.
void follow(Follower& follower, const std::vector<Step>& steps, const Port& port, Time at) {
    for (std::size_t i = follower.next; i < steps.size(); ++i) {
        const auto apart = at > steps[i].at ? at - steps[i].at : steps[i].at - at;
        if (steps[i].port == port && apart <= Company::kTogether) {
            follower.next = i + 1;
            ++follower.common;
            return;
        }
    }
}

}  // namespace

template <typename Visit>
void Company::for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < kRemembered; ++i) {
        const Entry& entry = ring_[(next_ + i) % kRemembered];
        if (entry.at != Time::min()) {
            visit(entry);
        }
    }
}

void Company::remember(const Address& source, const Port& port, Time now) {
    ring_[next_] = {.source = source, .port = port, .at = now};
    next_ = (next_ + 1) % kRemembered;
}

std::vector<Address> Company::companions(const Address& source, Time now) const {
    std::vector<Step> steps;
    for_each([&](const Entry& entry) {
        const bool is_new = std::ranges::find(steps, entry.port, &Step::port) == steps.end();
        if (entry.source == source && is_new && entry.at >= now - kRecently) {
            steps.push_back({.port = entry.port, .at = entry.at});
        }
    });
    std::vector<Address> found;
    if (steps.size() < kPortsInCommonMin) {
        return found;
    }
    boost::unordered_flat_map<Address, Follower, KeyedHash> followers;
    for_each([&](const Entry& entry) {
        if (entry.source != source) {
            follow(followers[entry.source], steps, entry.port, entry.at);
        }
    });
    // A forged twin of the last probe may still be on its way.
    const std::size_t wanted = std::max(kPortsInCommonMin, steps.size() - 1);
    for (const auto& [address, follower] : followers) {
        if (follower.common >= wanted && found.size() < kCompanionsMax) {
            found.push_back(address);
        }
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace farewell::core

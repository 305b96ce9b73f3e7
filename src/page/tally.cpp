// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/tally.hpp"

#include <algorithm>
#include <tuple>

namespace farewell::page {

std::vector<Tally> largest(std::vector<Tally> tallies) {
    const auto is_larger = [](const Tally& one, const Tally& other) {
        return std::tie(other.probes, other.sources, one.name) <
               std::tie(one.probes, one.sources, other.name);
    };
    const std::size_t shown = std::min(tallies.size(), kTopMax);
    std::ranges::partial_sort(tallies, tallies.begin() + static_cast<std::ptrdiff_t>(shown), is_larger);
    tallies.resize(shown);
    return tallies;
}

std::vector<core::Prefix> networks_of(const core::Prefix& source) {
    std::vector<core::Prefix> networks;
    const auto add = [&](std::uint8_t length) {
        if (source.length >= length) {
            networks.push_back(core::Prefix::of(source.address, length));
        }
    };
    if (source.address.family() == core::Family::ipv4) {
        add(24);
    } else {
        add(48);
        add(64);
    }
    return networks;
}

}  // namespace farewell::page

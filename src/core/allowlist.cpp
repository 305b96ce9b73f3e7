// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/allowlist.hpp"

#include <algorithm>

namespace farewell::core {

Allowlist::Allowlist(const std::vector<Prefix>& networks) {
    for (const Prefix& written : networks) {
        const Prefix network = Prefix::of(written.address, written.length);
        networks_.insert(network);
        OfFamily& family = network.address.family() == Family::ipv4 ? ipv4_ : ipv6_;
        family.sorted.push_back(network);
        if (std::ranges::find(family.lengths, network.length) == family.lengths.end()) {
            family.lengths.push_back(network.length);
        }
    }
    std::ranges::sort(ipv4_.sorted);
    std::ranges::sort(ipv6_.sorted);
}

bool Allowlist::contains(const Address& address) const {
    return std::ranges::any_of(of(address.family()).lengths, [&](std::uint8_t length) {
        return networks_.contains(Prefix::of(address, length));
    });
}

bool Allowlist::overlaps(const Prefix& prefix) const {
    const Prefix network = Prefix::of(prefix.address, prefix.length);
    // A network around this one has its first address too; one within it begins at or after it.
    if (contains(network.address)) {
        return true;
    }
    const auto& sorted = of(network.address.family()).sorted;
    const auto next = std::ranges::lower_bound(sorted, network.address, {}, &Prefix::address);
    return next != sorted.end() && network.contains(next->address);
}

}  // namespace farewell::core

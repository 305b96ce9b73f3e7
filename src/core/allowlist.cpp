// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/allowlist.hpp"

#include <algorithm>

namespace farewell::core {

Allowlist::Allowlist(const std::vector<Prefix>& networks) {
    for (const Prefix& network : networks) {
        networks_.insert({.address = network.address.masked(network.length), .length = network.length});
        auto& lengths = network.address.family() == Family::ipv4 ? ipv4_lengths_ : ipv6_lengths_;
        if (std::ranges::find(lengths, network.length) == lengths.end()) {
            lengths.push_back(network.length);
        }
    }
}

bool Allowlist::contains(const Address& address) const {
    const auto& lengths = address.family() == Family::ipv4 ? ipv4_lengths_ : ipv6_lengths_;
    return std::ranges::any_of(lengths, [&](std::uint8_t length) {
        return networks_.contains(Prefix{.address = address.masked(length), .length = length});
    });
}

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// Networks that are never banned. Lookup costs one hash probe per distinct prefix length in the list.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <vector>

#include "core/address.hpp"

namespace farewell::core {

class Allowlist {
 public:
    explicit Allowlist(const std::vector<Prefix>& networks);

    [[nodiscard]] bool contains(const Address& address) const;
    /// Some address of the prefix is on the list: whoever banned it all would ban that one as well.
    [[nodiscard]] bool overlaps(const Prefix& prefix) const;

 private:
    struct OfFamily {
        std::vector<std::uint8_t> lengths;  // each of them once
        std::vector<Prefix> sorted;
    };
    [[nodiscard]] const OfFamily& of(Family family) const { return family == Family::ipv4 ? ipv4_ : ipv6_; }

    OfFamily ipv4_;
    OfFamily ipv6_;
    boost::unordered_flat_set<Prefix> networks_;
};

}  // namespace farewell::core

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

 private:
    std::vector<std::uint8_t> ipv4_lengths_;
    std::vector<std::uint8_t> ipv6_lengths_;
    boost::unordered_flat_set<Prefix> networks_;
};

}  // namespace farewell::core

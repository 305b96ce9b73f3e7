// SPDX-License-Identifier: GPL-2.0-or-later
// The places in a ruleset where packets are handed to programs, and which packets get there. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "doctor/ruleset.hpp"

namespace farewell::doctor {

struct DeliverySite {
    Delivery delivery;
    std::string family;  ///< of the table
    std::string table;
    std::string chain;
    std::uint64_t handle = 0;
    std::size_t position = 0;  ///< in its chain, from 1 on
    std::string hook;          ///< where packets come from
    std::string policy;  ///< of the chain of that hook: what becomes of a packet that no rule decides on
    bool takes_ipv4 = false;
    bool takes_ipv6 = false;
    bool is_for_all = true;
    bool is_reachable = true;          ///< no rule before it has decided on every packet
    bool is_after_established = true;  ///< connections are accepted before, or it is not for them
    bool is_compat = false;
};

/// In the order of the listing. A chain reached from several hooks is met once for each.
[[nodiscard]] std::vector<DeliverySite> find_deliveries(const Ruleset& ruleset);

}  // namespace farewell::doctor

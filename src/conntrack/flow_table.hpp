// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's table of connections, as far as bans need it. An interface, so that tests have one of their
// own.
#pragma once

#include <cstddef>
#include <expected>
#include <farewell/error.hpp>
#include <span>
#include <vector>

#include "core/address.hpp"

namespace farewell::conntrack {

class FlowTable {
 public:
    FlowTable() = default;
    virtual ~FlowTable() = default;
    FlowTable(const FlowTable&) = delete;
    FlowTable& operator=(const FlowTable&) = delete;

    /// Which of these have had a TCP connection with this host or through it that is over, so that their
    /// addresses are not forged, and have none of any protocol that stands, which somebody might want cut in
    /// their name. Sorted. Costs a walk through the table for each family among them.
    [[nodiscard]] virtual std::expected<std::vector<core::Address>, Error> proven(
        std::span<const core::Address> sources) = 0;

    /// Forgets every flow that a source of these prefixes has opened, of any protocol; never one that was
    /// opened towards it. How many. Costs a walk and a message for each flow.
    [[nodiscard]] virtual std::expected<std::size_t, Error> remove_flows(
        std::span<const core::Prefix> sources) = 0;
};

}  // namespace farewell::conntrack

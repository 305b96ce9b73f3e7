// SPDX-License-Identifier: GPL-2.0-or-later
// The lists of tools, networks and ports: counted by name, the largest shown. Pure.
#pragma once

#include <vector>

#include "core/address.hpp"
#include "page/document.hpp"

namespace farewell::page {

/// The kTopMax largest: by probes where they are known, then by sources, then by name.
[[nodiscard]] std::vector<Tally> largest(std::vector<Tally> tallies);

/// The networks that people know providers and sites by: /24; /48 and /64.
[[nodiscard]] std::vector<core::Prefix> networks_of(const core::Prefix& source);

}  // namespace farewell::page

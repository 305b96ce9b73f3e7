// SPDX-License-Identifier: GPL-2.0-or-later
// resolv.conf(5), as far as it names name servers. Pure.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/address.hpp"

namespace farewell::host {

/// More are not looked at; the C library takes three.
inline constexpr std::size_t kResolversMax = 16;

/// The addresses of its `nameserver` lines, without their scope (fe80::1%eth0). What cannot be read is passed
/// over, as the C library does.
[[nodiscard]] std::vector<core::Address> parse_resolvers(std::string_view text);

}  // namespace farewell::host

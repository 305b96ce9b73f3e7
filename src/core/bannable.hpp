// SPDX-License-Identifier: GPL-2.0-or-later
// Which prefixes can be banned at all: none too wide, and none that holds an address nobody sends from. Whom
// the operator wants let in is the allowlist's.
#pragma once

#include <cstdint>

#include "core/address.hpp"

namespace farewell::core {

/// A ban is for an address or a prefix as wide as what the largest providers have; what is wider would shut a
/// part of the Internet out.
[[nodiscard]] constexpr std::uint8_t widest_ban(Family family) {
    return family == Family::ipv4 ? 8 : 16;
}
[[nodiscard]] constexpr bool is_ban_length(Family family, std::uint8_t length) {
    return length <= full_length(family) && length >= widest_ban(family);
}

/// Holds an unspecified, loopback, multicast or broadcast address; or is more than one link-local IPv6
/// address: whoever drops fe80::/64 loses neighbours and gateway.
[[nodiscard]] bool is_martian(const Prefix& prefix);

}  // namespace farewell::core

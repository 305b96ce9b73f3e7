// SPDX-License-Identifier: GPL-2.0-or-later
// Which prefixes can be banned at all: those of a few lengths, and none that holds an address nobody sends
// from. Whom the operator wants let in is the allowlist's.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/address.hpp"

namespace farewell::core {

/// The lengths a ban can have, the narrowest first. The enforcer keeps a set for each of them and every
/// innocent packet is looked up in all of its family, so there are few: a host, and what is usually given
/// to one customer, one site and one provider.
inline constexpr std::array<std::uint8_t, 3> kBanLengths4{32, 24, 16};
inline constexpr std::array<std::uint8_t, 5> kBanLengths6{128, 64, 56, 48, 32};

[[nodiscard]] constexpr std::span<const std::uint8_t> ban_lengths(Family family) {
    return family == Family::ipv4 ? std::span<const std::uint8_t>(kBanLengths4)
                                  : std::span<const std::uint8_t>(kBanLengths6);
}
/// Those of them that detection bans by, the only ones of a soft ban: see counted_lengths().
inline constexpr std::array<std::uint8_t, 2> kSoftBanLengths4{32, 24};
inline constexpr std::array<std::uint8_t, 3> kSoftBanLengths6{128, 64, 48};

[[nodiscard]] constexpr std::span<const std::uint8_t> soft_ban_lengths(Family family) {
    return family == Family::ipv4 ? std::span<const std::uint8_t>(kSoftBanLengths4)
                                  : std::span<const std::uint8_t>(kSoftBanLengths6);
}
[[nodiscard]] bool is_ban_length(Family family, std::uint8_t length);

/// Holds an unspecified, loopback, multicast or broadcast address; or is more than one link-local IPv6
/// address: whoever drops fe80::/64 loses neighbours and gateway.
[[nodiscard]] bool is_martian(const Prefix& prefix);

}  // namespace farewell::core

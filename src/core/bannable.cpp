// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/bannable.hpp"

#include <algorithm>

namespace farewell::core {
namespace {

constexpr std::byte octet(unsigned value) {
    return static_cast<std::byte>(value);
}

Address ipv4(unsigned first, unsigned rest) {
    return Address::ipv4(std::array{octet(first), octet(rest), octet(rest), octet(rest)});
}

Address ipv6(unsigned first, unsigned second, unsigned last) {
    std::array<std::byte, 16> bytes{octet(first), octet(second)};
    bytes.back() = octet(last);
    return Address::ipv6(bytes);
}

}  // namespace

bool is_martian(const Prefix& prefix) {
    static const std::array martians{
        Prefix::of(ipv4(0, 0)),          // unspecified
        Prefix::of(ipv4(127, 0), 8),     // loopback
        Prefix::of(ipv4(224, 0), 4),     // multicast
        Prefix::of(ipv4(255, 255)),      // limited broadcast
        Prefix::of(ipv6(0, 0, 0)),       // unspecified
        Prefix::of(ipv6(0, 0, 1)),       // loopback
        Prefix::of(ipv6(0xff, 0, 0), 8)  // multicast
    };
    static const Prefix link_local = Prefix::of(ipv6(0xfe, 0x80, 0), 10);
    return std::ranges::any_of(martians, [&](const Prefix& martian) { return martian.overlaps(prefix); }) ||
           (!prefix.is_address() && link_local.overlaps(prefix));
}

}  // namespace farewell::core

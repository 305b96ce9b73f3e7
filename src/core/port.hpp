// SPDX-License-Identifier: GPL-2.0-or-later
// One (protocol, port) of ours: what sources are counted by, and what services listen on.
#pragma once

#include <compare>
#include <cstdint>

namespace farewell::core {

/// Port 0 for protocols without ports.
struct Port {
    std::uint8_t protocol = 0;
    std::uint16_t number = 0;
    friend constexpr auto operator<=>(const Port&, const Port&) = default;
};

}  // namespace farewell::core

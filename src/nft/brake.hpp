// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace farewell::nft {

/// Who asks for so many distinct closed ports by SYN within the window is let in no more for a second: what
/// farewelld bans for anyway, which takes it longer than a fast scanner needs for its next ports.
struct Brake {
    std::uint32_t ports = 5;  ///< at least 2
    std::chrono::milliseconds window{2000};
    friend bool operator==(const Brake&, const Brake&) = default;
};

/// Of addresses: who has tried closed ports, and who is braked. The family's digit stands behind the name.
inline constexpr std::array kBrakeSets{"burst", "braked"};

}  // namespace farewell::nft

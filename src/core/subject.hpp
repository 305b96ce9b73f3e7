// SPDX-License-Identifier: GPL-2.0-or-later
// What is counted about whom: the words in which the source table is asked and answers.
#pragma once

#include <compare>
#include <cstdint>

#include "core/address.hpp"
#include "core/time.hpp"

namespace farewell::core {

/// Which distinct things are counted.
enum class Counted : std::uint8_t {
    ports,      ///< (protocol, port) pairs: a port scan
    hosts,      ///< destinations: a sweep
    ambiguous,  ///< ports of packets that have an innocent explanation
};

/// Whom they are counted about.
struct Subject {
    Prefix who;              ///< an address is a /32 or a /128
    std::uint32_t host = 0;  ///< tag of the one destination they are counted for; 0: all of them together
    Counted counted = Counted::ports;
    friend constexpr bool operator==(const Subject&, const Subject&) = default;
};

/// One distinct thing tried.
struct Item {
    static constexpr std::uint32_t kWhatMax = 0xffffff;
    static constexpr std::uint8_t kKindMax = 15;
    static constexpr std::uint8_t kWeightMax = 15;

    std::uint32_t what = 0;   ///< 24 bits: protocol << 16 | port, or a destination's tag
    std::uint8_t kind = 0;    ///< 4 bits that mean nothing to the table
    std::uint8_t weight = 4;  ///< quarters of a point, 0..15
    friend constexpr bool operator==(const Item&, const Item&) = default;
};

/// An item, and when it was last tried.
struct Tried {
    Item item;
    Time seen;
};

}  // namespace farewell::core

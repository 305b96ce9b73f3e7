// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers that strangers choose, spread by a key they do not know.
#pragma once

#include <cstddef>
#include <cstdint>

namespace farewell::core {

/// Every bit of the result depends on every bit of both (the finaliser of splitmix64, twice keyed).
[[nodiscard]] constexpr std::uint64_t keyed_mix(std::uint64_t value, std::uint64_t key) {
    std::uint64_t mixed = (value + 0x9e3779b97f4a7c15U) ^ key;
    mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ key ^ mixed >> 27U) * 0x94d049bb133111ebU;
    return mixed ^ mixed >> 31U;
}

/// A place in [0, size) for a hash, by its high bits; any size, no division.
[[nodiscard]] constexpr std::size_t place_of(std::uint64_t hash, std::size_t size) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>(static_cast<Wide>(hash) * size >> 64U);
}

}  // namespace farewell::core

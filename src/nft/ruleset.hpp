// SPDX-License-Identifier: GPL-2.0-or-later
// Our table as nftables text, and text into the kernel by libnftables. Slow (a millisecond), so for start and
// repair.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace farewell::nft {

// The names in the table; part of the interface, because operators type them.
inline constexpr std::string_view kChain = "prerouting";
inline constexpr const char* kAllow4 = "allow4";
inline constexpr const char* kAllow6 = "allow6";

/// A set of banned prefixes of one length: a hash set of their first addresses, asked for the masked source.
/// (One interval set would hold every length, but takes milliseconds for each change.) Whoever is in a soft
/// one keeps the connections that stand.
struct BannedSet {
    const char* name;
    bool soft;
    bool ipv6;
    std::uint8_t prefix_length;
    const char* netmask;  // empty: the whole address
};
inline constexpr std::array kBannedSets{
    BannedSet{.name = "banned4", .soft = false, .ipv6 = false, .prefix_length = 32, .netmask = ""},
    BannedSet{
        .name = "banned4_24", .soft = false, .ipv6 = false, .prefix_length = 24, .netmask = "255.255.255.0"},
    BannedSet{
        .name = "banned4_16", .soft = false, .ipv6 = false, .prefix_length = 16, .netmask = "255.255.0.0"},
    BannedSet{.name = "banned6", .soft = false, .ipv6 = true, .prefix_length = 128, .netmask = ""},
    BannedSet{.name = "banned6_64",
              .soft = false,
              .ipv6 = true,
              .prefix_length = 64,
              .netmask = "ffff:ffff:ffff:ffff::"},
    BannedSet{.name = "banned6_56",
              .soft = false,
              .ipv6 = true,
              .prefix_length = 56,
              .netmask = "ffff:ffff:ffff:ff00::"},
    BannedSet{.name = "banned6_48",
              .soft = false,
              .ipv6 = true,
              .prefix_length = 48,
              .netmask = "ffff:ffff:ffff::"},
    BannedSet{
        .name = "banned6_32", .soft = false, .ipv6 = true, .prefix_length = 32, .netmask = "ffff:ffff::"},
    BannedSet{.name = "soft4", .soft = true, .ipv6 = false, .prefix_length = 32, .netmask = ""},
    BannedSet{
        .name = "soft4_24", .soft = true, .ipv6 = false, .prefix_length = 24, .netmask = "255.255.255.0"},
    BannedSet{.name = "soft6", .soft = true, .ipv6 = true, .prefix_length = 128, .netmask = ""},
    BannedSet{.name = "soft6_64",
              .soft = true,
              .ipv6 = true,
              .prefix_length = 64,
              .netmask = "ffff:ffff:ffff:ffff::"},
    BannedSet{
        .name = "soft6_48", .soft = true, .ipv6 = true, .prefix_length = 48, .netmask = "ffff:ffff:ffff::"},
};

/// Makes table, sets, chain and rules be there; what is there already stays, elements included. As one
/// transaction there is no moment without the drop rules: the chains are emptied and filled anew at once.
[[nodiscard]] std::string build_text(std::string_view table);
/// The same from nothing, in the place of whatever has the table's name.
[[nodiscard]] std::string replace_text(std::string_view table);
/// Sets the elements of one of the allow sets; `elements` as nft writes them, none overlapping.
[[nodiscard]] std::string allow_text(std::string_view table, std::string_view set,
                                     std::span<const std::string> elements);

/// Runs text as one transaction, as `nft -f` would. The error is what libnftables says, in one line.
[[nodiscard]] std::expected<void, std::string> run_text(const std::string& text);

}  // namespace farewell::nft

// SPDX-License-Identifier: GPL-2.0-or-later
// The sets that bans are kept in: one for each family, form and length of prefix that is in use, a hash set
// of the first addresses, asked for the masked source. (One interval set would hold every length, but takes
// milliseconds for each change; and a set for every length from the start would cost each innocent packet a
// look-up in all of them.)
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace farewell::nft {

/// Ordered as packets are looked up in them: the narrowest first.
struct BannedSet {
    bool ipv6 = false;
    bool soft = false;  ///< whoever is in it keeps the connections that stand
    std::uint8_t prefix_length = 32;

    friend bool operator==(const BannedSet&, const BannedSet&) = default;
    friend std::strong_ordering operator<=>(const BannedSet& one, const BannedSet& other);
};

/// Those of addresses, which a table has from the start; others come when the first ban needs them.
[[nodiscard]] std::set<BannedSet> first_sets();

/// "banned4", "soft6_64": part of the interface, because operators type them.
[[nodiscard]] std::string name_of(const BannedSet& set);
/// The set of this name; nullopt if no set of ours is called that.
[[nodiscard]] std::optional<BannedSet> banned_set_of(std::string_view name);

/// "banned4_drops": of whom in the set packets were dropped, each with a counter. Apart from the bans,
/// because a counter for each of them would cost more than the ban itself
/// (docs/adr/0014-drops-are-counted-apart.md).
[[nodiscard]] std::string drops_name_of(const BannedSet& set);

/// "add set inet TABLE NAME { … }", a line for each of the two sets.
[[nodiscard]] std::string set_text(const BannedSet& set, std::string_view table);
/// What a source is compared with it by: "ip saddr & 255.255.0.0 @banned4_16".
[[nodiscard]] std::string match_text(const BannedSet& set);
/// What counts a packet that is about to be dropped; where there is no room, the rule ends here and nothing
/// else does.
[[nodiscard]] std::string count_text(const BannedSet& set);

}  // namespace farewell::nft

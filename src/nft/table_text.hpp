// SPDX-License-Identifier: GPL-2.0-or-later
// The whole of our table, by what it is to hold: bans (ruleset.hpp), a trap (trap_text.hpp), or both.
// What the daemon builds and repairs, and what `farewell ruleset` prints and compares.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "nft/banned_set.hpp"
#include "nft/trap_text.hpp"

namespace farewell::nft {

struct TableContent {
    bool bans = true;  ///< false: whoever only observes leaves the chain that drops as it finds it
    std::optional<Trap> trap = {};
    std::optional<Brake> brake = {};          ///< with the trap or without
    std::set<BannedSet> sets = first_sets();  ///< that bans are kept in
    friend bool operator==(const TableContent&, const TableContent&) = default;
};

/// Makes all of it be there, and the trap not, if there is to be none. One transaction; elements stay.
[[nodiscard]] std::string build_text(std::string_view table, const TableContent& content);
/// The same from nothing, in the place of whatever has the table's name.
[[nodiscard]] std::string replace_text(std::string_view table, const TableContent& content);

}  // namespace farewell::nft

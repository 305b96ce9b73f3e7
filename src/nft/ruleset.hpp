// SPDX-License-Identifier: GPL-2.0-or-later
// Our table as nftables text, and text into the kernel by libnftables. Slow (a millisecond), so for start and
// repair.
#pragma once

#include <expected>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "nft/banned_set.hpp"

namespace farewell::nft {

// The names in the table; part of the interface, because operators type them.
inline constexpr const char* kAllow4 = "allow4";
inline constexpr const char* kAllow6 = "allow6";

/// Makes table, sets, chain and rules be there; what is there already stays, elements included. As one
/// transaction there is no moment without the drop rules: the chains are emptied and filled anew at once.
[[nodiscard]] std::string build_text(std::string_view table, const std::set<BannedSet>& sets);
/// Has exactly these elements be in a set; as nft writes them, and in an interval set none overlapping.
[[nodiscard]] std::string elements_text(std::string_view table, std::string_view set,
                                        std::span<const std::string> elements);

/// Has the kernel check text as run_text would run it, and changes nothing. The error as of run_text.
[[nodiscard]] std::expected<void, std::string> check_text(const std::string& text);
/// Runs text as one transaction, as `nft -f` would. The error is what libnftables says, in one line.
[[nodiscard]] std::expected<void, std::string> run_text(const std::string& text);
/// The table as `nft -s -t list table` shows it: without elements and counts. The error as of run_text.
[[nodiscard]] std::expected<std::string, std::string> list_text(std::string_view table);

/// All tables of everybody, without elements.
struct Listing {
    std::string json;  ///< as of `nft -j -t list ruleset`
    std::string text;  ///< as of `nft -a -s -t list ruleset`
};
/// The error as of run_text.
[[nodiscard]] std::expected<Listing, std::string> list_ruleset();

}  // namespace farewell::nft

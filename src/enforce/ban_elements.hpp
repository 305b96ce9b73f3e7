// SPDX-License-Identifier: GPL-2.0-or-later
// Bans as elements of nftables sets and back, and as nft writes them. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "nft/banned_set.hpp"
#include "nft/set_elements.hpp"

namespace farewell::enforce {

using Elements = std::map<nft::BannedSet, std::vector<nft::Element>>;
/// `name`: nft::name_of for the bans, nft::drops_name_of for what is counted of them.
[[nodiscard]] std::vector<nft::SetElements::Group> groups_of(Elements elements,
                                                             std::string (*name)(const nft::BannedSet&));

/// Where a prefix is kept.
[[nodiscard]] nft::BannedSet set_of(const core::Prefix& prefix, bool soft);
/// The first address of the prefix, without a timeout.
[[nodiscard]] nft::Element element_of(const core::Prefix& prefix);
[[nodiscard]] core::Address address_of(const nft::Element& element);

/// As nft writes it: the length only where it is not one address.
[[nodiscard]] std::string text_of(const core::Prefix& prefix);
/// The networks of one family as nft writes them, none inside another: an interval set refuses overlaps.
[[nodiscard]] std::vector<std::string> without_overlaps(std::span<const core::Prefix> networks,
                                                        core::Family family);
/// What the bans are called in an error: one by its name, many by their number.
[[nodiscard]] std::string names_of(std::span<const nft::SetElements::Group> groups);

}  // namespace farewell::enforce

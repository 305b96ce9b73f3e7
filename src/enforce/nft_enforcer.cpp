// SPDX-License-Identifier: GPL-2.0-or-later
#include "enforce/nft_enforcer.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/bannable.hpp"
#include "nft/ruleset.hpp"

namespace farewell::enforce {
namespace {

using core::Family;
using nft::Element;
using nft::HeldElement;
using nft::SetElements;

// NFTA_SET_ELEM_TIMEOUT is in milliseconds and the kernel refuses what does not fit into jiffies; a hundred
// years do.
constexpr std::chrono::milliseconds kTimeoutMax = std::chrono::hours(24) * 365 * 100;

/// Where a prefix is kept: an index into nft::kBannedSets and into groups_by_set(); nullopt for a length
/// without a set.
constexpr std::optional<std::size_t> index_of_set(Family family, std::uint8_t length, bool soft) {
    for (std::size_t index = 0; index < nft::kBannedSets.size(); ++index) {
        const nft::BannedSet& set = nft::kBannedSets.at(index);
        if (set.soft == soft && set.ipv6 == (family == Family::ipv6) && set.prefix_length == length) {
            return index;
        }
    }
    return std::nullopt;
}

constexpr bool has_set_for_every_length(Family family) {
    return std::ranges::all_of(
               core::ban_lengths(family),
               [family](std::uint8_t length) { return index_of_set(family, length, false).has_value(); }) &&
           std::ranges::all_of(core::soft_ban_lengths(family), [family](std::uint8_t length) {
               return index_of_set(family, length, true).has_value();
           });
}
static_assert(has_set_for_every_length(Family::ipv4) && has_set_for_every_length(Family::ipv6));

std::optional<std::size_t> index_of_set(const core::Prefix& prefix, bool soft) {
    return index_of_set(prefix.address.family(), prefix.length, soft);
}

using Groups = std::array<SetElements::Group, nft::kBannedSets.size()>;

/// One group for each set, nothing in them.
Groups groups_by_set() {
    Groups groups;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups.at(i).set = nft::kBannedSets.at(i).name;
    }
    return groups;
}

Element element_of(const core::Prefix& prefix) {
    const core::Address first = prefix.address.masked(prefix.length);
    Element element;
    element.key_bytes = static_cast<std::uint8_t>(first.bytes().size());
    std::ranges::copy(first.bytes(), element.key.begin());
    return element;
}

core::Address address_of(const Element& element) {
    if (element.key_bytes == 4) {
        return core::Address::ipv4(std::span(element.key).first<4>());
    }
    return core::Address::ipv6(element.key);
}

EnforcedBan enforced_ban(const HeldElement& held, const nft::BannedSet& set) {
    return {.source = {.address = address_of(held.element), .length = set.prefix_length},
            .soft = set.soft,
            .time_left = held.time_left,
            .packets = held.packets,
            .bytes = held.bytes};
}

/// As nft writes it: the length only where it is not one address.
std::string text_of(const core::Prefix& prefix) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = prefix.address.family() == Family::ipv4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, prefix.address.bytes().data(), text.data(), text.size()) == nullptr) {
        return "?";
    }
    return prefix.is_address() ? text.data() : fmt::format("{}/{}", text.data(), prefix.length);
}

/// The networks of one family as nft writes them, none inside another: an interval set refuses overlaps.
std::vector<std::string> without_overlaps(std::span<const core::Prefix> networks, Family family) {
    std::vector<core::Prefix> kept;
    std::vector<core::Prefix> widest_first(networks.begin(), networks.end());
    std::ranges::sort(widest_first, {}, &core::Prefix::length);
    for (const core::Prefix& network : widest_first) {
        const bool covered = std::ranges::any_of(
            kept, [&network](const core::Prefix& wider) { return wider.contains(network.address); });
        if (network.address.family() == family && !covered) {
            kept.push_back(network);
        }
    }
    std::vector<std::string> texts;
    texts.reserve(kept.size());
    for (const core::Prefix& network : kept) {
        texts.push_back(text_of(core::Prefix::of(network.address, network.length)));
    }
    return texts;
}

/// What the bans are called in an error: one by its name, many by their number.
std::string names_of(const Groups& groups) {
    std::size_t count = 0;
    std::string name;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const SetElements::Group& group = groups.at(i);
        count += group.elements.size();
        if (!group.elements.empty()) {
            const core::Prefix first{.address = address_of(group.elements.front()),
                                     .length = nft::kBannedSets.at(i).prefix_length};
            name = fmt::format("{} to set {}", text_of(first), group.set);
        }
    }
    return count == 1 ? name : fmt::format("{} elements", count);
}

}  // namespace

NftEnforcer::NftEnforcer(NftSettings settings) : settings_(std::move(settings)) {}
NftEnforcer::NftEnforcer(NftSettings settings, std::unique_ptr<nft::Transport> transport)
    : settings_(std::move(settings)), elements_(std::in_place, settings_.table, std::move(transport)) {}

std::string NftEnforcer::in_table() const {
    return fmt::format("table inet {}", settings_.table);
}

EnforceError NftEnforcer::failure(const std::string& operation, int reason) const {
    EnforceError error{.failure = Failure::other,
                       .message = fmt::format("{}: {}", operation,
                                              std::error_code(reason, std::generic_category()).message())};
    switch (reason) {
        case ENOENT:
            error.failure = Failure::table_gone;
            break;
        case EPERM:
        case EACCES:
            error.failure = Failure::no_permission;
            break;
        case ENFILE:  // what a set answers that has reached its size (nf_tables_api.c, nft_add_set_elem)
        case ENOSPC:
            error.failure = Failure::set_full;
            break;
        case EOPNOTSUPP:
        case EPROTONOSUPPORT:
        case EAFNOSUPPORT:
            error.failure = Failure::unsupported;
            break;
        default:
            break;
    }
    return error;
}

std::expected<SetElements*, EnforceError> NftEnforcer::elements() {
    if (!elements_) {
        auto transport = nft::open_transport();
        if (!transport) {
            return std::unexpected(failure("open a netlink socket for nf_tables", transport.error()));
        }
        elements_.emplace(settings_.table, std::move(*transport));
    }
    return &*elements_;
}

std::expected<void, EnforceError> NftEnforcer::build() {
    // The shape is read right after the building; whoever came in between would be taken for ours, so that it
    // is done again when there was another transaction than ours.
    constexpr int kAttempts = 4;
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto before = generation(**held);
        if (!before) {
            return std::unexpected(before.error());
        }
        if (auto built = build_table(); !built) {
            return built;
        }
        auto shape = (*held)->shape();
        if (!shape) {
            return std::unexpected(failure(fmt::format("look at {}", in_table()), shape.error()));
        }
        built_ = std::move(*shape);
        const auto after = generation(**held);
        if (after && *after - *before == 1) {
            break;
        }
    }
    return apply_allowlist();
}

/// Of nf_tables; the first thing to ask, because libnftables tells failures apart only in prose.
std::expected<std::uint32_t, EnforceError> NftEnforcer::generation(nft::SetElements& elements) const {
    const auto generation = elements.generation();
    if (!generation) {
        EnforceError error = failure("ask nf_tables for its generation", generation.error());
        if (generation.error() == EINVAL) {  // nfnetlink's answer for a subsystem that is not there
            error.failure = Failure::unsupported;
        }
        return std::unexpected(std::move(error));
    }
    return *generation;
}

std::expected<void, EnforceError> NftEnforcer::build_table() {
    if (!nft::run_text(nft::build_text(settings_.table))) {
        // Something of our name is there that is not ours as it should be: an older version's table, or a
        // stranger's.
        if (auto replaced = nft::run_text(nft::replace_text(settings_.table)); !replaced) {
            return std::unexpected(
                EnforceError{.failure = Failure::other,
                             .message = fmt::format("build {}: {}", in_table(), replaced.error())});
        }
    }
    return {};
}

std::expected<bool, EnforceError> NftEnforcer::is_intact() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    const auto shape = (*held)->shape();
    if (!shape && shape.error() != ENOENT) {
        return std::unexpected(failure(fmt::format("look at {}", in_table()), shape.error()));
    }
    return shape && built_ == *shape;
}

std::expected<nft::ChangeWatch, EnforceError> NftEnforcer::watch() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    auto watch = nft::ChangeWatch::open(settings_.table, (*held)->port());
    if (!watch) {
        return std::unexpected(failure("follow the changes of nf_tables", watch.error()));
    }
    return std::move(*watch);
}

std::expected<void, EnforceError> NftEnforcer::apply_allowlist() {
    std::string text;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        text += nft::allow_text(settings_.table, family == Family::ipv4 ? nft::kAllow4 : nft::kAllow6,
                                without_overlaps(allowlist_, family));
    }
    if (auto applied = nft::run_text(text); !applied) {
        return std::unexpected(
            EnforceError{.failure = Failure::other,
                         .message = fmt::format("set the allowlist in {}: {}", in_table(), applied.error())});
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::allow(std::span<const core::Prefix> networks) {
    allowlist_.assign(networks.begin(), networks.end());
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    // A dump of a set that is not there answers ENOENT: the table is gone, and building it brings the
    // allowlist along.
    if (const auto listed = (*held)->list(nft::kAllow4); !listed) {
        return std::unexpected(
            failure(fmt::format("look at set {} of {}", nft::kAllow4, in_table()), listed.error()));
    }
    return apply_allowlist();
}

std::expected<void, EnforceError> NftEnforcer::clear() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    std::array<std::string, nft::kBannedSets.size()> sets;
    std::ranges::transform(nft::kBannedSets, sets.begin(), &nft::BannedSet::name);
    if (const int reason = (*held)->flush(sets); reason != 0) {
        return std::unexpected(failure(fmt::format("clear the bans of {}", in_table()), reason));
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::remove() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    if (const int reason = (*held)->remove_table(); reason != 0 && reason != ENOENT) {
        return std::unexpected(failure(fmt::format("remove {}", in_table()), reason));
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::ban(std::span<const core::Ban> bans, core::Time now) {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    Groups groups = groups_by_set();
    Groups former = groups_by_set();
    for (const core::Ban& ban : bans) {
        if (ban.until <= now) {
            continue;
        }
        Element element = element_of(ban.source);
        element.timeout =
            std::min(std::chrono::ceil<std::chrono::milliseconds>(ban.until - now), kTimeoutMax);
        groups.at(index_of_set(ban.source, ban.soft).value()).elements.push_back(element);
        if (const auto index = index_of_set(ban.source, !ban.soft); ban.changed_form && index) {
            former.at(*index).elements.push_back(element_of(ban.source));
        }
    }
    if (const int reason = (*held)->put(groups); reason != 0) {
        return std::unexpected(failure(fmt::format("add {} of {}", names_of(groups), in_table()), reason));
    }
    if (const int reason = (*held)->remove(former); reason != 0) {
        return std::unexpected(failure(fmt::format("remove {} of {}", names_of(former), in_table()), reason));
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::unban(std::span<const core::Prefix> sources) {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    Groups groups = groups_by_set();
    for (const core::Prefix& source : sources) {
        for (const bool soft : {false, true}) {
            if (const auto index = index_of_set(source, soft)) {
                groups.at(*index).elements.push_back(element_of(source));
            }
        }
    }
    if (const int reason = (*held)->remove(groups); reason != 0) {
        const std::string who =
            sources.size() == 1 ? text_of(sources.front()) : fmt::format("{} sources", sources.size());
        return std::unexpected(failure(fmt::format("unban {} in {}", who, in_table()), reason));
    }
    return {};
}

std::expected<std::vector<EnforcedBan>, EnforceError> NftEnforcer::list() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    std::vector<EnforcedBan> bans;
    for (const nft::BannedSet& set : nft::kBannedSets) {
        const auto listed = (*held)->list(set.name);
        if (!listed) {
            return std::unexpected(
                failure(fmt::format("list set {} of {}", set.name, in_table()), listed.error()));
        }
        for (const HeldElement& element : *listed) {
            bans.push_back(enforced_ban(element, set));
        }
    }
    return bans;
}

std::expected<std::optional<EnforcedBan>, EnforceError> NftEnforcer::get(const core::Prefix& source) {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    for (const bool soft : {false, true}) {
        const auto index = index_of_set(source, soft);
        if (!index) {
            continue;
        }
        const nft::BannedSet& set = nft::kBannedSets.at(*index);
        const auto found = (*held)->get(set.name, element_of(source));
        if (!found) {
            return std::unexpected(
                failure(fmt::format("get {} from set {} of {}", text_of(source), set.name, in_table()),
                        found.error()));
        }
        if (const auto& element = *found) {
            return enforced_ban(*element, set);
        }
    }
    return std::nullopt;
}

}  // namespace farewell::enforce

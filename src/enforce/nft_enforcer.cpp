// SPDX-License-Identifier: GPL-2.0-or-later
#include "enforce/nft_enforcer.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "core/bannable.hpp"
#include "nft/ruleset.hpp"
#include "nft/table_text.hpp"

namespace farewell::enforce {
namespace {

using core::Family;
using nft::BannedSet;
using nft::Element;
using nft::HeldElement;
using nft::SetElements;

// NFTA_SET_ELEM_TIMEOUT is in milliseconds and the kernel refuses what does not fit into jiffies; a hundred
// years do.
constexpr std::chrono::milliseconds kTimeoutMax = std::chrono::hours(24) * 365 * 100;

/// Where a prefix is kept.
BannedSet set_of(const core::Prefix& prefix, bool soft) {
    return {.ipv6 = prefix.address.family() == Family::ipv6, .soft = soft, .prefix_length = prefix.length};
}

using Elements = std::map<BannedSet, std::vector<Element>>;

std::vector<SetElements::Group> groups_of(Elements elements) {
    std::vector<SetElements::Group> groups;
    groups.reserve(elements.size());
    for (auto& [set, of_set] : elements) {
        groups.push_back({.set = nft::name_of(set), .elements = std::move(of_set)});
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

EnforcedBan enforced_ban(const HeldElement& held, const BannedSet& set) {
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
std::string names_of(std::span<const SetElements::Group> groups) {
    std::size_t count = 0;
    std::string name;
    for (const SetElements::Group& group : groups) {
        count += group.elements.size();
        const auto set = nft::banned_set_of(group.set);
        const core::Prefix first{.address = address_of(group.elements.front()),
                                 .length = set ? set->prefix_length : std::uint8_t{0}};
        name = fmt::format("{} to set {}", text_of(first), group.set);
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
    if (auto adopted = adopt_sets(**held); !adopted) {
        return adopted;
    }
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto before = generation(**held);
        if (!before) {
            return std::unexpected(before.error());
        }
        if (auto built = build_table(**held); !built) {
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
    return {};
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

/// Sets that an earlier life left in the table are ours again if somebody is in them; the rest lies there
/// unused.
std::expected<void, EnforceError> NftEnforcer::adopt_sets(SetElements& elements) {
    const auto names = elements.set_names();
    if (!names) {
        return std::unexpected(failure(fmt::format("list the sets of {}", in_table()), names.error()));
    }
    for (const std::string& name : *names) {
        const auto set = nft::banned_set_of(name);
        if (!set || settings_.content.sets.contains(*set)) {
            continue;
        }
        const auto listed = elements.list(name);
        if (!listed && listed.error() != ENOENT) {
            return std::unexpected(
                failure(fmt::format("list set {} of {}", name, in_table()), listed.error()));
        }
        if (listed && !listed->empty()) {
            settings_.content.sets.insert(*set);
        }
    }
    return {};
}

/// Makes the set be there that the first ban of its kind needs.
std::expected<void, EnforceError> NftEnforcer::need(const BannedSet& set) {
    if (!settings_.content.sets.insert(set).second) {
        return {};
    }
    auto built = build();
    if (!built) {
        settings_.content.sets.erase(set);
    }
    return built;
}

std::expected<void, EnforceError> NftEnforcer::build_table(SetElements& elements) {
    // One transaction: nobody can take the table away between its sets and who is in them.
    const std::string allowlist = allowlist_text();
    if (!elements.run(nft::build_text(settings_.table, settings_.content) + allowlist)) {
        // Something of our name is there that is not ours as it should be: an older version's table, or a
        // stranger's.
        if (auto replaced = elements.run(nft::replace_text(settings_.table, settings_.content) + allowlist);
            !replaced) {
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

std::string NftEnforcer::allowlist_text() const {
    std::string text;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        text += nft::allow_text(settings_.table, family == Family::ipv4 ? nft::kAllow4 : nft::kAllow6,
                                without_overlaps(allowlist_, family));
    }
    return text;
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
    if (auto applied = (*held)->run(allowlist_text()); !applied) {
        return std::unexpected(
            EnforceError{.failure = Failure::other,
                         .message = fmt::format("set the allowlist in {}: {}", in_table(), applied.error())});
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::clear() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    std::vector<std::string> names;
    std::ranges::transform(settings_.content.sets, std::back_inserter(names),
                           [](const BannedSet& set) { return nft::name_of(set); });
    if (const int reason = (*held)->flush(names); reason != 0) {
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

std::expected<void, EnforceError> NftEnforcer::rest() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    const auto shape = (*held)->shape();
    if (!settings_.content.trap || (!shape && shape.error() == ENOENT)) {
        return {};
    }
    if (auto removed = (*held)->run(nft::no_trap_text(settings_.table)); !removed) {
        return std::unexpected(
            EnforceError{.failure = Failure::other,
                         .message = fmt::format("take the trap out of {}: {}", in_table(), removed.error())});
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::ban(std::span<const core::Ban> bans, core::Time now) {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    Elements wanted;
    Elements former;
    for (const core::Ban& ban : bans) {
        if (ban.until <= now) {
            continue;
        }
        const BannedSet set = set_of(ban.source, ban.soft);
        if (auto there = need(set); !there) {
            return there;
        }
        Element element = element_of(ban.source);
        element.timeout =
            std::min(std::chrono::ceil<std::chrono::milliseconds>(ban.until - now), kTimeoutMax);
        wanted[set].push_back(element);
        const BannedSet other = set_of(ban.source, !ban.soft);
        if (ban.changed_form && settings_.content.sets.contains(other)) {
            former[other].push_back(element_of(ban.source));
        }
    }
    const auto added = groups_of(std::move(wanted));
    if (const int reason = (*held)->put(added); reason != 0) {
        return std::unexpected(failure(fmt::format("add {} of {}", names_of(added), in_table()), reason));
    }
    const auto removed = groups_of(std::move(former));
    if (const int reason = (*held)->remove(removed); reason != 0) {
        return std::unexpected(
            failure(fmt::format("remove {} of {}", names_of(removed), in_table()), reason));
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::unban(std::span<const core::Prefix> sources) {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    Elements unwanted;
    for (const core::Prefix& source : sources) {
        for (const bool soft : {false, true}) {
            if (const BannedSet set = set_of(source, soft); settings_.content.sets.contains(set)) {
                unwanted[set].push_back(element_of(source));
            }
        }
    }
    if (const int reason = (*held)->remove(groups_of(std::move(unwanted))); reason != 0) {
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
    for (const BannedSet& set : settings_.content.sets) {
        const std::string name = nft::name_of(set);
        const auto listed = (*held)->list(name);
        if (!listed) {
            return std::unexpected(
                failure(fmt::format("list set {} of {}", name, in_table()), listed.error()));
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
        const BannedSet set = set_of(source, soft);
        if (!settings_.content.sets.contains(set)) {
            continue;
        }
        const std::string name = nft::name_of(set);
        const auto found = (*held)->get(name, element_of(source));
        if (!found) {
            return std::unexpected(failure(
                fmt::format("get {} from set {} of {}", text_of(source), name, in_table()), found.error()));
        }
        if (const auto& element = *found) {
            return enforced_ban(*element, set);
        }
    }
    return std::nullopt;
}

}  // namespace farewell::enforce

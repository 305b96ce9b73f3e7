// SPDX-License-Identifier: GPL-2.0-or-later
#include "enforce/nft_enforcer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

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

EnforcedBan enforced_ban(const HeldElement& held, const BannedSet& set) {
    return {.source = {.address = address_of(held.element), .length = set.prefix_length},
            .soft = set.soft,
            .time_left = held.time_left,
            .packets = held.packets,
            .bytes = held.bytes};
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

std::expected<void, EnforceError> NftEnforcer::clear() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    std::vector<std::string> names;
    for (const BannedSet& set : settings_.content.sets) {
        names.push_back(nft::name_of(set));
        names.push_back(nft::drops_name_of(set));
    }
    if (const int reason = (*held)->flush(names); reason != 0) {
        return std::unexpected(failure(fmt::format("clear the bans of {}", in_table()), reason));
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
    if (auto added = put(**held, groups_of(std::move(wanted), nft::name_of)); !added) {
        return added;
    }
    const auto removed = groups_of(std::move(former), nft::name_of);
    if (const int reason = (*held)->remove(removed); reason != 0) {
        return std::unexpected(
            failure(fmt::format("remove {} of {}", names_of(removed), in_table()), reason));
    }
    return {};
}

std::expected<void, EnforceError> NftEnforcer::put(SetElements& elements,
                                                   std::span<const SetElements::Group> groups) {
    const bool are_many = SetElements::count(groups) > SetElements::kElementsPerTransaction;
    const int reason = are_many ? put_unheard(elements, groups) : elements.put(groups);
    if (reason != 0) {
        return std::unexpected(failure(fmt::format("add {} of {}", names_of(groups), in_table()), reason));
    }
    return {};
}

/// That we listen costs the kernel more than the elements do. Our own transactions are counted, so that
/// another's among them is noticed.
int NftEnforcer::put_unheard(SetElements& elements, std::span<const SetElements::Group> groups) {
    if (!watch_) {
        return elements.put(groups);
    }
    const auto before = elements.generation();
    const std::uint32_t committed_before = elements.committed();
    watch_->close_ears();
    int reason = elements.put(groups);
    if (const auto opened = watch_->open_ears(); !opened && reason == 0) {
        reason = opened.error();
    }
    const auto after = elements.generation();
    if (!before || !after || *after - *before != elements.committed() - committed_before) {
        watch_->on_missed();
    }
    return reason;
}

/// Where these sources are, if they are banned: softly or fully, in the sets that there are.
Elements NftEnforcer::in_both_forms(std::span<const core::Prefix> sources) const {
    Elements elements;
    for (const core::Prefix& source : sources) {
        for (const bool soft : {false, true}) {
            if (const BannedSet set = set_of(source, soft); settings_.content.sets.contains(set)) {
                elements[set].push_back(element_of(source));
            }
        }
    }
    return elements;
}

std::expected<void, EnforceError> NftEnforcer::unban(std::span<const core::Prefix> sources) {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    if (const int reason = (*held)->remove(groups_of(in_both_forms(sources), nft::name_of)); reason != 0) {
        const std::string who =
            sources.size() == 1 ? text_of(sources.front()) : fmt::format("{} sources", sources.size());
        return std::unexpected(failure(fmt::format("unban {} in {}", who, in_table()), reason));
    }
    forget_counts(sources);
    forget_ports(**held, sources);
    return {};
}

/// Whoever is let in begins anew with the brake as well. Where it is not done, the brake forgets by itself in
/// seconds.
void NftEnforcer::forget_ports(SetElements& elements, std::span<const core::Prefix> sources) {
    if (!settings_.content.brake) {
        return;
    }
    std::map<std::string, std::vector<Element>> tried;
    for (const core::Prefix& source : sources) {
        const char digit = source.address.family() == Family::ipv6 ? '6' : '4';
        for (const char* set : nft::kBrakeSets) {
            if (source.is_address()) {
                tried[std::string(set) + digit].push_back(element_of(source));
            }
        }
    }
    std::vector<SetElements::Group> groups;
    for (auto& [set, of_set] : tried) {
        groups.push_back({.set = set, .elements = std::move(of_set)});
    }
    static_cast<void>(elements.remove(groups));
}

void NftEnforcer::forget_counts(std::span<const core::Prefix> sources) {
    auto held = elements();
    if (!held) {
        return;
    }
    static_cast<void>((*held)->remove(groups_of(in_both_forms(sources), nft::drops_name_of)));
}

/// What the sets of this name hold: the bans, or what is counted of them.
std::expected<std::vector<EnforcedBan>, EnforceError> NftEnforcer::list_sets(
    std::string (*name)(const BannedSet&)) {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    std::vector<EnforcedBan> bans;
    for (const BannedSet& set : settings_.content.sets) {
        const auto listed = (*held)->list(name(set));
        if (!listed) {
            return std::unexpected(
                failure(fmt::format("list set {} of {}", name(set), in_table()), listed.error()));
        }
        for (const HeldElement& element : *listed) {
            bans.push_back(enforced_ban(element, set));
        }
    }
    return bans;
}

std::expected<std::vector<EnforcedBan>, EnforceError> NftEnforcer::list() {
    return list_sets(nft::name_of);
}

std::expected<std::vector<EnforcedBan>, EnforceError> NftEnforcer::list_with_counts() {
    auto bans = list();
    const auto counts = list_sets(nft::drops_name_of);
    if (!bans || !counts) {
        return std::unexpected(bans ? counts.error() : bans.error());
    }
    std::map<std::pair<core::Prefix, bool>, const EnforcedBan*> counted;
    for (const EnforcedBan& count : *counts) {
        counted.emplace(std::pair(count.source, count.soft), &count);
    }
    for (EnforcedBan& ban : *bans) {
        if (const auto found = counted.find({ban.source, ban.soft}); found != counted.end()) {
            ban.packets = found->second->packets;
            ban.bytes = found->second->bytes;
        }
    }
    return bans;
}

std::expected<std::optional<HeldElement>, EnforceError> NftEnforcer::get_element(
    SetElements& elements, const std::string& set, const core::Prefix& source) const {
    auto found = elements.get(set, element_of(source));
    if (!found) {
        return std::unexpected(failure(
            fmt::format("get {} from set {} of {}", text_of(source), set, in_table()), found.error()));
    }
    return std::move(*found);
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
        const auto found = get_element(**held, nft::name_of(set), source);
        if (!found) {
            return std::unexpected(found.error());
        }
        if (!*found) {
            continue;
        }
        EnforcedBan ban = enforced_ban(**found, set);
        const auto count = get_element(**held, nft::drops_name_of(set), source);
        if (!count) {
            return std::unexpected(count.error());
        }
        if (*count) {
            ban.packets = (*count)->packets;
            ban.bytes = (*count)->bytes;
        }
        return ban;
    }
    return std::nullopt;
}

}  // namespace farewell::enforce

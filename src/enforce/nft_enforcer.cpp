// SPDX-License-Identifier: GPL-2.0-or-later
#include "enforce/nft_enforcer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "core/bannable.hpp"
#include "enforce/ban_elements.hpp"
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

EnforcedBan enforced_ban(const HeldElement& held, const BannedSet& set) {
    return {.source = {.address = address_of(held.element), .length = set.prefix_length},
            .soft = set.soft,
            .time_left = held.time_left};
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
        const std::string replacement = nft::replace_text(settings_.table, settings_.content) + allowlist;
        if (auto replaced = elements.run(replacement + (built_ ? "" : held_text(elements))); !replaced) {
            return std::unexpected(
                EnforceError{.failure = Failure::other,
                             .message = fmt::format("build {}: {}", in_table(), replaced.error())});
        }
    }
    return {};
}

/// What puts the bans of an earlier life into the table that takes its place, in the same transaction.
std::string NftEnforcer::held_text(SetElements& elements) const {
    std::string text;
    for (const BannedSet& set : settings_.content.sets) {
        const std::string name = nft::name_of(set);
        std::vector<std::string> bans;
        // Where listing fails, it knew no such bans.
        for (const HeldElement& element : elements.list(name).value_or(std::vector<HeldElement>{})) {
            if (element.element.key_bytes == (set.ipv6 ? 16 : 4) && element.time_left.count() > 0) {
                bans.push_back(fmt::format("{} timeout {}ms",
                                           text_of(core::Prefix::of(address_of(element.element))),
                                           element.time_left.count()));
            }
        }
        text += nft::elements_text(settings_.table, name, bans);
    }
    return text;
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

std::expected<std::shared_ptr<nft::ChangeWatch>, EnforceError> NftEnforcer::watch() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    auto watch = nft::ChangeWatch::open(settings_.table, (*held)->port());
    if (!watch) {
        return std::unexpected(failure("follow the changes of nf_tables", watch.error()));
    }
    watch_ = std::make_shared<nft::ChangeWatch>(std::move(*watch));
    return watch_;
}

std::string NftEnforcer::allowlist_text() const {
    std::string text;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        text += nft::elements_text(settings_.table, family == Family::ipv4 ? nft::kAllow4 : nft::kAllow6,
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
    for (const BannedSet& set : settings_.content.sets) {
        names.push_back(nft::name_of(set));
        names.push_back(nft::drops_name_of(set));
    }
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
    built_.reset();
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
    if (const int reason = (*held)->remove(groups_of(std::move(unwanted), nft::name_of)); reason != 0) {
        const std::string who =
            sources.size() == 1 ? text_of(sources.front()) : fmt::format("{} sources", sources.size());
        return std::unexpected(failure(fmt::format("unban {} in {}", who, in_table()), reason));
    }
    forget_counts(sources);
    return {};
}

void NftEnforcer::forget_counts(std::span<const core::Prefix> sources) {
    auto held = elements();
    if (!held) {
        return;
    }
    Elements counted;
    for (const core::Prefix& source : sources) {
        for (const bool soft : {false, true}) {
            if (const BannedSet set = set_of(source, soft); settings_.content.sets.contains(set)) {
                counted[set].push_back(element_of(source));
            }
        }
    }
    static_cast<void>((*held)->remove(groups_of(std::move(counted), nft::drops_name_of)));
}

std::expected<std::vector<HeldElement>, EnforceError> NftEnforcer::list_set(SetElements& elements,
                                                                            const std::string& set) const {
    auto listed = elements.list(set);
    if (!listed) {
        return std::unexpected(failure(fmt::format("list set {} of {}", set, in_table()), listed.error()));
    }
    return std::move(*listed);
}

std::expected<std::vector<EnforcedBan>, EnforceError> NftEnforcer::list() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    std::vector<EnforcedBan> bans;
    for (const BannedSet& set : settings_.content.sets) {
        const auto listed = list_set(**held, nft::name_of(set));
        if (!listed) {
            return std::unexpected(listed.error());
        }
        for (const HeldElement& element : *listed) {
            bans.push_back(enforced_ban(element, set));
        }
    }
    return bans;
}

std::expected<std::vector<EnforcedBan>, EnforceError> NftEnforcer::list_with_counts() {
    auto held = elements();
    if (!held) {
        return std::unexpected(held.error());
    }
    auto bans = list();
    if (!bans) {
        return bans;
    }
    std::map<std::pair<core::Prefix, bool>, HeldElement> counts;
    for (const BannedSet& set : settings_.content.sets) {
        const auto listed = list_set(**held, nft::drops_name_of(set));
        if (!listed) {
            return std::unexpected(listed.error());
        }
        for (const HeldElement& element : *listed) {
            counts.emplace(std::pair(enforced_ban(element, set).source, set.soft), element);
        }
    }
    for (EnforcedBan& ban : *bans) {
        if (const auto found = counts.find({ban.source, ban.soft}); found != counts.end()) {
            ban.packets = found->second.packets;
            ban.bytes = found->second.bytes;
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

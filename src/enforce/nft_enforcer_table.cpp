// SPDX-License-Identifier: GPL-2.0-or-later
// The enforcer's other half: the table around the bans.
#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "enforce/nft_enforcer.hpp"
#include "nft/ruleset.hpp"

namespace farewell::enforce {

using core::Family;
using nft::BannedSet;
using nft::HeldElement;
using nft::SetElements;

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
    auto built = build_table_of(elements, settings_.content);
    brake_ = settings_.content.brake;
    if (!built && brake_ && !settings_.content.trap) {
        // Not every kernel has what finds a socket. Bans do without, and so does whoever has a rule of his
        // own.
        nft::TableContent without = settings_.content;
        without.brake.reset();
        brake_.reset();
        built = build_table_of(elements, without);
    }
    return built;
}

std::expected<void, EnforceError> NftEnforcer::build_table_of(SetElements& elements,
                                                              const nft::TableContent& content) const {
    // One transaction: nobody can take the table away between its sets and who is in them.
    const std::string allowlist = allowlist_text();
    if (!elements.run(nft::build_text(settings_.table, content) + allowlist)) {
        // Something of our name is there that is not ours as it should be: an older version's table, or a
        // stranger's.
        const std::string replacement = nft::replace_text(settings_.table, content) + allowlist;
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

std::expected<void, EnforceError> NftEnforcer::brake_at(const std::optional<nft::Brake>& brake) {
    if (settings_.content.brake == brake) {
        return {};
    }
    settings_.content.brake = brake;
    return build();
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
    const bool has_trap = settings_.content.trap || settings_.content.brake;
    if (!has_trap || (!shape && shape.error() == ENOENT)) {
        return {};
    }
    if (auto removed = (*held)->run(nft::no_trap_text(settings_.table)); !removed) {
        return std::unexpected(
            EnforceError{.failure = Failure::other,
                         .message = fmt::format("take the trap out of {}: {}", in_table(), removed.error())});
    }
    return {};
}

}  // namespace farewell::enforce

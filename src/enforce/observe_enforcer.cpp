// SPDX-License-Identifier: GPL-2.0-or-later
#include "enforce/observe_enforcer.hpp"

namespace farewell::enforce {
namespace {

EnforcedBan would_be(const core::Prefix& source, core::Time until, core::Time now) {
    return {.source = source, .time_left = std::chrono::ceil<std::chrono::milliseconds>(until - now)};
}

}  // namespace

std::expected<void, EnforceError> ObserveEnforcer::clear() {
    until_.clear();
    return {};
}

std::expected<void, EnforceError> ObserveEnforcer::ban(std::span<const core::Ban> bans, core::Time now) {
    now_ = now;
    std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
    for (const core::Ban& ban : bans) {
        if (ban.until > now) {
            until_[ban.source] = ban.until;
        }
    }
    return {};
}

std::expected<void, EnforceError> ObserveEnforcer::unban(std::span<const core::Prefix> sources) {
    for (const core::Prefix& source : sources) {
        until_.erase(source);
    }
    return {};
}

std::expected<void, EnforceError> ObserveEnforcer::allow(std::span<const core::Prefix> /*networks*/) {
    return {};
}

std::expected<std::vector<EnforcedBan>, EnforceError> ObserveEnforcer::list() {
    std::vector<EnforcedBan> bans;
    bans.reserve(until_.size());
    for (const auto& [source, until] : until_) {
        bans.push_back(would_be(source, until, now_));
    }
    return bans;
}

std::expected<std::optional<EnforcedBan>, EnforceError> ObserveEnforcer::get(const core::Prefix& source) {
    const auto found = until_.find(source);
    if (found == until_.end()) {
        return std::nullopt;
    }
    return would_be(found->first, found->second, now_);
}

}  // namespace farewell::enforce

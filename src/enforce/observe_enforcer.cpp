// SPDX-License-Identifier: GPL-2.0-or-later
#include "enforce/observe_enforcer.hpp"

namespace farewell::enforce {
namespace {

EnforcedBan would_be(const core::Ban& ban, core::Time now) {
    return {.source = ban.source,
            .soft = ban.soft,
            .time_left = std::chrono::ceil<std::chrono::milliseconds>(ban.until - now)};
}

}  // namespace

std::expected<void, EnforceError> ObserveEnforcer::build() {
    return ground_ ? ground_->build() : std::expected<void, EnforceError>{};
}

std::expected<void, EnforceError> ObserveEnforcer::remove() {
    bans_.clear();
    return ground_ ? ground_->remove() : std::expected<void, EnforceError>{};
}

std::expected<void, EnforceError> ObserveEnforcer::rest() {
    return ground_ ? ground_->rest() : std::expected<void, EnforceError>{};
}

std::expected<bool, EnforceError> ObserveEnforcer::is_intact() {
    return ground_ ? ground_->is_intact() : true;
}

std::expected<void, EnforceError> ObserveEnforcer::clear() {
    bans_.clear();
    return {};
}

std::expected<void, EnforceError> ObserveEnforcer::ban(std::span<const core::Ban> bans, core::Time now) {
    now_ = now;
    std::erase_if(bans_, [now](const auto& entry) { return entry.second.until <= now; });
    for (const core::Ban& ban : bans) {
        if (ban.until > now) {
            bans_[ban.source] = ban;
        }
    }
    return {};
}

std::expected<void, EnforceError> ObserveEnforcer::unban(std::span<const core::Prefix> sources) {
    for (const core::Prefix& source : sources) {
        bans_.erase(source);
    }
    return {};
}

std::expected<void, EnforceError> ObserveEnforcer::allow(std::span<const core::Prefix> networks) {
    return ground_ ? ground_->allow(networks) : std::expected<void, EnforceError>{};
}

std::expected<std::vector<EnforcedBan>, EnforceError> ObserveEnforcer::list() {
    std::vector<EnforcedBan> bans;
    bans.reserve(bans_.size());
    for (const auto& [source, ban] : bans_) {
        bans.push_back(would_be(ban, now_));
    }
    return bans;
}

std::expected<std::optional<EnforcedBan>, EnforceError> ObserveEnforcer::get(const core::Prefix& source) {
    const auto found = bans_.find(source);
    return found == bans_.end() ? std::nullopt : std::optional(would_be(found->second, now_));
}

}  // namespace farewell::enforce

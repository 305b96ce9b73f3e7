// SPDX-License-Identifier: GPL-2.0-or-later
// The engine loop's other half: what an operator orders.
#include <algorithm>
#include <utility>

#include "daemon/clock.hpp"
#include "daemon/engine_loop.hpp"

namespace farewell::daemon {

using enforce::EnforceError;
using enforce::Failure;

std::expected<core::OrderResult, EnforceError> EngineLoop::ban(
    const core::Prefix& source, std::optional<std::chrono::nanoseconds> duration, const std::string& note) {
    const core::Engine::BanOrder order = engine_.order_ban(
        source, duration, boot_now(), {.reason = core::BanReason::by_operator, .note = note});
    if (!order.ban) {
        return order.result;
    }
    enforce(std::span(&*order.ban, 1));
    return is_in_force(source)
               ? std::expected<core::OrderResult, EnforceError>(order.result)
               : std::unexpected(EnforceError{.failure = Failure::other, .message = last_refusal_});
}

std::vector<std::expected<core::OrderResult, EnforceError>> EngineLoop::import(
    std::span<const BanRequest> requests) {
    const core::Time now = boot_now();
    std::vector<std::expected<core::OrderResult, EnforceError>> results;
    results.reserve(requests.size());
    std::vector<core::Ban> bans;
    bans.reserve(requests.size());
    for (const BanRequest& request : requests) {
        const core::Engine::BanOrder order =
            engine_.order_ban(request.source, request.duration, now,
                              {.reason = core::BanReason::imported, .note = request.note});
        results.emplace_back(order.result);
        if (order.ban) {
            bans.push_back(*order.ban);
        }
    }
    if (bans.empty()) {
        return results;
    }
    enforce(bans);
    std::size_t in_force = bans.size();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (*results[i] == core::OrderResult::done && !is_in_force(requests[i].source)) {
            results[i] = std::unexpected(EnforceError{.failure = Failure::other, .message = last_refusal_});
            --in_force;
        }
    }
    imported_ += in_force;
    return results;
}

bool EngineLoop::is_in_force(const core::Prefix& source) const {
    const auto record = engine_.ban_of(source, boot_now());
    return record && record->state == core::BanState::enforced;
}

std::expected<core::OrderResult, EnforceError> EngineLoop::unban(const core::Prefix& source) {
    // The kernel first: if it refuses, the ban is still known and nobody is told otherwise.
    const auto held = enforcer_->get(source);
    const bool in_kernel = held && held->has_value();
    if (auto removed = enforcer_->unban(std::span(&source, 1));
        !removed && removed.error().failure != Failure::table_gone) {
        return std::unexpected(removed.error());
    }
    const core::OrderResult result = engine_.order_unban(source);
    if (result == core::OrderResult::done || in_kernel) {
        on_unbanned({.source = source, .reason = core::UnbanReason::by_operator}, boot_now());
        return core::OrderResult::done;
    }
    return result;
}

std::expected<std::size_t, EnforceError> EngineLoop::unban_all() {
    if (auto cleared = enforcer_->clear(); !cleared && cleared.error().failure != Failure::table_gone) {
        return std::unexpected(cleared.error());
    }
    const std::size_t count = engine_.bans_wanted();
    for (const core::BanRecord& record : engine_.bans(count)) {
        if (engine_.order_unban(record.ban.source) == core::OrderResult::done) {
            on_unbanned({.source = record.ban.source, .reason = core::UnbanReason::by_operator}, boot_now());
        }
    }
    return count;
}

std::expected<void, EnforceError> EngineLoop::reconfigure(const core::Limits& limits,
                                                          const std::vector<core::Prefix>& allowlist) {
    const core::Time now = boot_now();
    wiring_.allowlist = allowlist;
    const std::vector<core::Unban> freed = engine_.reconfigure(limits, allowlist, now);
    freed_.insert(freed_.end(), freed.begin(), freed.end());
    next_tick_ = now;
    auto done = let_in(now);
    let_in_is_due_ = !done;
    return done;
}

}  // namespace farewell::daemon

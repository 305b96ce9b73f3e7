// SPDX-License-Identifier: GPL-2.0-or-later
// Bans that touch nothing: what observe mode puts in the kernel's place. It forgets what is over, like the
// kernel. What detection itself needs there, a trap, is the business of another enforcer behind it.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "enforce/enforcer.hpp"

namespace farewell::enforce {

class ObserveEnforcer final : public Enforcer {
 public:
    ObserveEnforcer() = default;
    /// `ground` is built, kept whole and removed, but never bans.
    explicit ObserveEnforcer(std::unique_ptr<Enforcer> ground) : ground_(std::move(ground)) {}

    std::expected<void, EnforceError> build() override;
    std::expected<void, EnforceError> clear() override;
    std::expected<void, EnforceError> remove() override;
    std::expected<void, EnforceError> rest() override;
    std::expected<void, EnforceError> ban(std::span<const core::Ban> bans, core::Time now) override;
    std::expected<void, EnforceError> unban(std::span<const core::Prefix> sources) override;
    std::expected<void, EnforceError> allow(std::span<const core::Prefix> networks) override;
    std::expected<bool, EnforceError> is_intact() override;
    /// Times left are as of the last ban().
    std::expected<std::vector<EnforcedBan>, EnforceError> list() override;
    std::expected<std::optional<EnforcedBan>, EnforceError> get(const core::Prefix& source) override;

 private:
    std::unique_ptr<Enforcer> ground_;  // none: nothing is needed
    std::map<core::Prefix, core::Ban> bans_;
    core::Time now_;
};

}  // namespace farewell::enforce

// SPDX-License-Identifier: GPL-2.0-or-later
// What carries actions out. One instance, used by one thread at a time. Holds no decision: who is
// banned and for how long comes in, what the kernel said goes out.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/address.hpp"
#include "core/time.hpp"
#include "nft/brake.hpp"

namespace farewell::enforce {

/// Why the enforcer could not do it: the cases a caller must treat differently.
enum class Failure : std::uint8_t {
    table_gone,     ///< our table, set or chain is not there (any more): rebuild, then try again
    no_permission,  ///< CAP_NET_ADMIN is missing, or the table belongs to another process
    set_full,       ///< the kernel has no room for one more element
    unsupported,    ///< the kernel has no nf_tables, or lacks what the table needs
    other,          ///< see the message
};

struct EnforceError {
    Failure failure = Failure::other;
    std::string message;  ///< operation and errno in words: reads well in the journal as it stands
};

/// What the kernel holds for one source.
struct EnforcedBan {
    core::Prefix source;
    bool soft = false;
    std::chrono::milliseconds time_left{0};
    std::uint64_t packets = 0;  ///< dropped since the ban began; of get() and list_with_counts()
    std::uint64_t bytes = 0;
};

class Enforcer {
 public:
    Enforcer() = default;
    virtual ~Enforcer() = default;
    Enforcer(const Enforcer&) = delete;
    Enforcer& operator=(const Enforcer&) = delete;

    /// Makes everything needed be there; what is already right is reused and bans in it stay. Idempotent;
    /// also the repair after Failure::table_gone.
    virtual std::expected<void, EnforceError> build() = 0;
    /// Takes all bans out; the table stays.
    virtual std::expected<void, EnforceError> clear() = 0;
    /// Takes everything of ours out of the kernel. Not being there is success.
    virtual std::expected<void, EnforceError> remove() = 0;
    /// Takes out what is of use only while somebody listens; bans stay in force.
    virtual std::expected<void, EnforceError> rest() { return {}; }

    /// One atomic batch, acknowledged: on success the kernel holds every one of them with the time left at
    /// `now`, whether it was there before or not; on failure none was added. Bans already over are skipped.
    /// Of one that changed its form, what the kernel held before goes afterwards, so that there is no moment
    /// without either.
    virtual std::expected<void, EnforceError> ban(std::span<const core::Ban> bans, core::Time now) = 0;
    /// One atomic batch, acknowledged. Sources that are not banned are no error.
    virtual std::expected<void, EnforceError> unban(std::span<const core::Prefix> sources) = 0;

    /// The bans of these sources have ended: what was counted of them is not to be taken for that of a later
    /// one. Nothing depends on it, so there is no error.
    virtual void forget_counts(std::span<const core::Prefix> /*sources*/) {}

    /// Replaces the kernel's own allowlist, which wins over every ban. build() keeps the last one set.
    virtual std::expected<void, EnforceError> allow(std::span<const core::Prefix> networks) = 0;

    /// How soon the kernel itself stops who asks for closed ports, from now on; nullopt: nobody. Who bans
    /// nobody brakes nobody.
    virtual std::expected<void, EnforceError> brake_at(const std::optional<nft::Brake>& /*brake*/) {
        return {};
    }
    /// As it is in force: nullopt also where the kernel lacks what it needs.
    [[nodiscard]] virtual std::optional<nft::Brake> brake() const { return std::nullopt; }

    /// Whether everything around the bans is still what build() left: nobody has taken away, altered or added
    /// a table, chain or rule of ours since. What bans there are is list()'s to say.
    virtual std::expected<bool, EnforceError> is_intact() = 0;
    /// What the kernel holds now, both families, all lengths.
    virtual std::expected<std::vector<EnforcedBan>, EnforceError> list() = 0;
    virtual std::expected<std::vector<EnforcedBan>, EnforceError> list_with_counts() { return list(); }
    /// What the kernel holds for exactly this source; the full ban if it holds both, nullopt if nothing.
    virtual std::expected<std::optional<EnforcedBan>, EnforceError> get(const core::Prefix& source) = 0;
};

}  // namespace farewell::enforce

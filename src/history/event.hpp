// SPDX-License-Identifier: GPL-2.0-or-later
// What the history is told: the core's own values, as the engine thread has them. Nothing is computed here;
// record.hpp makes of them what is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "core/action.hpp"
#include "core/evidence.hpp"
#include "core/time.hpp"

namespace farewell::history {

/// The kernel has acknowledged a ban; or in observe mode, would have been asked for it.
struct Banned {
    core::Ban ban;
    core::Evidence evidence;
    std::string note = {};  ///< of the operator who ordered it
};

/// So many bans out of a person's list are in force. Each by itself is no event: a list of a hundred thousand
/// would push everything else out of a bounded history.
struct Imported {
    std::size_t bans = 0;
};

struct Unbanned {
    core::Unban unban;
};

/// What others took out of the kernel, or altered there, is back.
struct Repaired {
    bool rebuilt = false;  ///< the table with all that is in it; otherwise bans alone
    std::size_t bans = 0;  ///< that are back in force
    std::string by;        ///< who had made the change: "nft (process 812)"; empty if the kernel did not tell
};

/// More sources deserve a ban than may be banned in a minute: new ones are not banned.
struct BudgetSpent {
    std::uint32_t bans_per_minute = 0;
};

struct BansResumed {
    std::uint64_t withheld = 0;  ///< bans, while the budget was spent
};

using What = std::variant<Banned, Imported, Unbanned, Repaired, BudgetSpent, BansResumed>;

struct Event {
    core::Time at;
    bool observed = false;  ///< in observe mode: it would have been so
    What what;
    std::uint64_t number = 0;  ///< in the order in which they happened, since this daemon's start
};

}  // namespace farewell::history

// SPDX-License-Identifier: GPL-2.0-or-later
// What can be asked of the history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/address.hpp"
#include "history/record.hpp"

namespace farewell::history {

struct EventQuery {
    std::size_t max = 100;                    ///< the latest ones
    std::optional<WallTime> since = {};       ///< not older
    std::optional<core::Prefix> source = {};  ///< about a source that holds it or that it holds
    std::optional<std::int64_t> before = {};  ///< that arrived before the record of this id
};

/// A source and the bans that detection gave it, in force at the time, over or not.
struct Offender {
    core::Prefix source;
    std::uint32_t bans = 0;       ///< on firm evidence
    std::uint32_t soft_bans = 0;  ///< on doubtful evidence
    WallTime last_ban;
};

/// Earlier bans of an address, or of a prefix around it.
struct EarlierBans {
    std::uint64_t count = 0;
    std::optional<Record> last;
};

}  // namespace farewell::history

// SPDX-License-Identifier: GPL-2.0-or-later
// Ways to keep bans in nftables: ours, and what we compare with. One namespace holds one of them at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/nft/timed_transport.hpp"
#include "core/action.hpp"
#include "core/time.hpp"

namespace farewell::bench {

/// Whatever fails ends the program with a word why: a benchmark of what did not happen would be a lie.
class Way {
 public:
    Way() = default;
    virtual ~Way() = default;
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;

    /// The tables, with nobody banned. May be asked for again after a flush of the ruleset.
    virtual void build() = 0;
    /// Bans numbers [first, first + count), in as few transactions as this way of doing it allows.
    virtual void ban(std::size_t first, std::size_t count) = 0;

    /// Every transaction of ban() so far.
    [[nodiscard]] std::vector<Timing>& timings() { return timings_; }

 private:
    std::vector<Timing> timings_;
};

/// "farewell": NftEnforcer as the daemon has it. "rules": a rule for each ban, as in the article.
/// "interval": an interval set with timeouts. "plain": a chain whose policy drops, and no bans.
/// nullptr: there is no such way.
[[nodiscard]] std::unique_ptr<Way> make_way(std::string_view name);

inline constexpr const char* kTable = "bench";
/// Bans numbers [first, first + count), as Way::ban() puts them into the kernel at kNow.
[[nodiscard]] std::vector<core::Ban> bans_of(std::size_t first, std::size_t count);
inline constexpr core::Time kNow{};

[[nodiscard]] std::unique_ptr<nft::Transport> timed_transport(std::vector<Timing>& timings);
/// Text for `nft -f`.
void run_nft(const std::string& text);

/// What every packet meets after the way's own chain: a policy that drops. Not for "plain", which does
/// itself.
void drop_afterwards();

[[noreturn]] void give_up(std::string_view operation, std::string_view why);

}  // namespace farewell::bench

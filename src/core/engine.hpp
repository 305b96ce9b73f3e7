// SPDX-License-Identifier: GPL-2.0-or-later
// The engine: probes, ticks, orders and outcomes in, bans and unbans out. All detection state is here.
//
// Use:       one instance, fed by one thread; see src/daemon/engine_loop for the live one.
// Threads:   none of its own; not safe to share.
// Cost:      on_probe O(1) on average, one hash lookup; allocates only for a source or port not seen before.
// Logs:      nothing. Counts: Counters.
// Time:      every input carries it; it may stand still but not go back (a step back is taken as standing
// still).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/action.hpp"
#include "core/address.hpp"
#include "core/ban_book.hpp"
#include "core/classify.hpp"
#include "core/limits.hpp"
#include "core/port_set.hpp"
#include "core/time.hpp"

namespace farewell::core {

/// All the engine knows of one address.
struct SourceReport {
    bool allowlisted = false;
    std::optional<BanRecord> ban;
    std::vector<TriedPort> tried;  ///< within the window, for a source not banned; in order of first_seen
    /// The last probe's header fields, for a source not banned; nullopt if none is remembered.
    std::optional<Probe> last_probe;
};

struct Counters {
    std::uint64_t probes = 0;           ///< all that came in
    std::uint64_t probes_repeated = 0;  ///< of a (source, port) already known within the window
    std::uint64_t probes_allowlisted = 0;
    std::uint64_t probes_of_banned = 0;  ///< in flight when the ban fell, or the ban is not in force
    std::uint64_t bans_decided = 0;
    std::uint64_t bans_enforced = 0;
    std::uint64_t bans_failed = 0;   ///< outcomes, so one ban may count several times
    std::uint64_t bans_refused = 0;  ///< Limits::bans_max was reached
    std::uint64_t unbans = 0;
    std::uint64_t sources_evicted = 0;  ///< forgotten to stay within memory
};

/// What an order of the operator met.
enum class OrderResult : std::uint8_t {
    done,         ///< an action was made (or the state changed)
    already,      ///< it was so before
    allowlisted,  ///< refused: the address is on the allowlist
    martian,      ///< refused: loopback, unspecified, multicast or broadcast
    full,         ///< refused: Limits::bans_max
    not_banned,   ///< nothing to remove
};

class Engine {
 public:
    Engine(const Limits& limits, const std::vector<Prefix>& allowlist);
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    /// A probe arrived. A returned Ban is to be enforced at once and answered by on_enforced or on_refused.
    /// A probe of a source whose ban is failed, or enforced but evidently not in force (it still gets
    /// through kInForceAfter later), hands the ban out again with the time it has left.
    [[nodiscard]] std::optional<Ban> on_probe(const Probe& probe, Time now);

    /// The enforcer acknowledged the ban of `source`. Returns whether this is the first time for this ban,
    /// that is, whether it is news. Unknown sources are ignored.
    bool on_enforced(const Address& source, Time now);
    /// The enforcer refused; it is handed out again by on_tick after a growing delay, at most kRetryMax.
    void on_refused(const Address& source, Time now);

    struct Due {
        std::vector<Ban> bans;      ///< refused or unanswered ones whose retry is due
        std::vector<Unban> unbans;  ///< expired: nothing to do in the kernel, only to tell
    };
    /// Time passed. Call it at next_due, or at least once a second.
    [[nodiscard]] Due on_tick(Time now);
    /// When on_tick has something to do next; nullopt if nothing is scheduled.
    [[nodiscard]] std::optional<Time> next_due() const;

    /// Orders of the operator. `done` from order_ban means: enforce *ban.
    struct BanOrder {
        OrderResult result;
        std::optional<Ban> ban;
    };
    /// A source that is banned already keeps its end, unless a duration is given: then it ends `duration`
    /// from now.
    [[nodiscard]] BanOrder order_ban(const Address& source, std::optional<std::chrono::nanoseconds> duration,
                                     Time now);
    /// `done` means: take the source out of the kernel. The source starts from nothing.
    [[nodiscard]] OrderResult order_unban(const Address& source);

    /// A ban found in the kernel at start is taken over as enforced; not if the source is allowlisted or
    /// there are as many as may be. Returns whether it was.
    bool adopt(const Ban& ban, Time now);

    /// New limits for what comes; bans in force keep their end. A new allowlist unbans whom it covers.
    [[nodiscard]] std::vector<Unban> reconfigure(const Limits& limits, const std::vector<Prefix>& allowlist,
                                                 Time now);

    /// Every wanted ban that has not run out, for a rebuilt table.
    [[nodiscard]] std::vector<Ban> wanted(Time now) const;
    /// At most `max` records, those expiring last first left out; for lists.
    [[nodiscard]] std::vector<BanRecord> bans(std::size_t max) const;
    [[nodiscard]] SourceReport report(const Address& source, Time now) const;

    [[nodiscard]] const Counters& counters() const;
    [[nodiscard]] const Limits& limits() const;
    [[nodiscard]] std::size_t sources_tracked() const;
    /// Sources at half the threshold or more. O(sources_tracked).
    [[nodiscard]] std::size_t suspects(Time now) const;
    [[nodiscard]] std::size_t bans_wanted() const;
    /// Bytes accounted for unbanned sources; never above Limits::memory_bytes.
    [[nodiscard]] std::size_t memory_used() const;

    static constexpr std::chrono::milliseconds kInForceAfter{500};
    static constexpr std::chrono::milliseconds kRetryMin{100};
    static constexpr std::chrono::seconds kRetryMax{30};

 private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace farewell::core

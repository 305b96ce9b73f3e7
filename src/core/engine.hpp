// SPDX-License-Identifier: GPL-2.0-or-later
// The engine: probes, ticks, orders and outcomes in, bans and unbans out. All detection state is here.
//
// Use:       one instance, fed by one thread; see src/daemon/engine_loop for the live one.
// Threads:   none of its own; not safe to share.
// Cost:      on_probe O(1) on average: one hash lookup, and one for each length of which there are bans;
// allocates only for a source or port not seen before. Logs:      nothing. Counts: Counters. Time:      every
// input carries it; it may stand still but not go back (a step back is taken as standing still).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/address.hpp"
#include "core/arrival.hpp"
#include "core/ban_book.hpp"
#include "core/classify.hpp"
#include "core/evidence.hpp"
#include "core/knowledge.hpp"
#include "core/limits.hpp"
#include "core/time.hpp"

namespace farewell::core {

/// All the engine knows of one address.
struct SourceReport {
    bool allowlisted = false;
    bool protected_address = false;  ///< see Knowledge::is_protected
    std::optional<BanRecord> ban;    ///< of itself or of a prefix around it: the one that ends last
    Evidence evidence;               ///< of a source not banned: what it has tried within the window
};

struct Counters {
    std::uint64_t probes = 0;           ///< all that came in
    std::uint64_t probes_repeated = 0;  ///< of a (source, port) already known within the window
    std::uint64_t probes_allowlisted = 0;
    std::uint64_t probes_protected = 0;  ///< see Knowledge::is_protected
    std::uint64_t probes_of_banned = 0;  ///< in flight when the ban fell, or the ban is not in force
    std::uint64_t bans_decided = 0;
    std::uint64_t bans_enforced = 0;
    std::uint64_t bans_failed = 0;    ///< outcomes, so one ban may count several times
    std::uint64_t bans_refused = 0;   ///< Limits::bans_max was reached
    std::uint64_t bans_withheld = 0;  ///< Limits::bans_per_minute was
    std::uint64_t unbans = 0;
    std::uint64_t bans_soft = 0;             ///< of those decided, or made soft since
    std::uint64_t bans_of_networks = 0;      ///< of those decided
    std::uint64_t decoys_recognised = 0;     ///< sources that tried what others tried at the same time
    std::uint64_t sources_evicted = 0;       ///< forgotten to stay within memory
    std::uint64_t sources_not_admitted = 0;  ///< probes of sources that memory had no room for
};

/// What an order of the operator met.
enum class OrderResult : std::uint8_t {
    done,               ///< an action was made (or the state changed)
    already,            ///< it was so before
    allowlisted,        ///< refused: some of it is on the allowlist
    protected_address,  ///< refused: some of it is protected (Knowledge::is_protected)
    martian,            ///< refused: is_martian()
    no_length,          ///< refused: not is_ban_length()
    full,               ///< refused: Limits::bans_max
    not_banned,         ///< nothing to remove
    covered,            ///< nothing to remove of its own; a wider ban keeps it out
};

/// Who orders a ban by hand, and what for.
struct OrderedBy {
    BanReason reason = BanReason::by_operator;  ///< is_by_person
    std::string note;
};

class Engine {
 public:
    Engine(const Limits& limits, const std::vector<Prefix>& allowlist);
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    /// A probe arrived. A returned Ban is to be enforced at once and answered by on_enforced or on_refused.
    /// A probe of a source one of whose bans is failed, or enforced but evidently not in force (it still gets
    /// through kInForceAfter later), hands the ban out again with the time it has left.
    [[nodiscard]] std::optional<Ban> on_probe(const Probe& probe, Time now);
    /// Has the processor fetch what on_probe will look at for the arrivals soon after this one of a burst. To
    /// be called before each on_probe of it; while few sources are known it does nothing.
    void look_ahead(std::span<const Arrival> burst, std::size_t index) const;

    /// The enforcer acknowledged this ban. Returns whether this is the first time for this ban, that is,
    /// whether it is news. Unknown sources are ignored, and so is a ban whose end has been changed since it
    /// was handed out: that one is still to come.
    bool on_enforced(const Ban& ban, Time now);
    /// The enforcer refused; it is handed out again by on_tick after a growing delay, at most kRetryMax.
    void on_refused(const Prefix& source, Time now);

    struct Due {
        std::vector<Ban> bans;      ///< those to enforce again: refused, unanswered, or made soft
        std::vector<Unban> unbans;  ///< expired: nothing to do in the kernel, only to tell
    };
    /// Time passed. Call it at next_due, or at least once a second. What is due beyond `most` stays due.
    [[nodiscard]] Due on_tick(Time now, std::size_t most = std::numeric_limits<std::size_t>::max());
    /// When on_tick has something to do next; nullopt if nothing is scheduled.
    [[nodiscard]] std::optional<Time> next_due() const;

    /// A connection that this address opened was completed and is over, and none of its is open: it is not
    /// forged. A soft ban of it becomes full, unless it is one of decoys or its evidence is ambiguous; that
    /// is then to be enforced.
    [[nodiscard]] std::optional<Ban> on_proven(const Address& source, Time now);

    /// Orders of the operator. `done` from order_ban means: enforce *ban.
    struct BanOrder {
        OrderResult result;
        std::optional<Ban> ban;
    };
    /// A source that is banned already keeps its end, unless a duration is given: then it ends `duration`
    /// from now. A wider ban in force that ends no earlier is `already`. Narrower bans keep their own ends. A
    /// soft ban becomes full and does not end sooner.
    [[nodiscard]] BanOrder order_ban(const Prefix& source, std::optional<std::chrono::nanoseconds> duration,
                                     Time now, const OrderedBy& by = {});
    /// `done` means: take the source out of the kernel. An address starts from nothing. Only this very ban is
    /// lifted: narrower and wider ones stay.
    [[nodiscard]] OrderResult order_unban(const Prefix& source);

    /// So many bans of a source are known from before, the last one at `last`, which may lie before the clock
    /// began.
    void remember_offences(const Prefix& source, std::uint32_t count, Time last);
    /// A ban found in the kernel at start is taken over as enforced; not if some of it is allowlisted or
    /// protected, or there are as many as may be. Returns whether it was.
    bool adopt(const Ban& ban, Time now);

    /// New limits for what comes; bans in force keep their end. A new allowlist unbans whatever it overlaps.
    [[nodiscard]] std::vector<Unban> reconfigure(const Limits& limits, const std::vector<Prefix>& allowlist,
                                                 Time now);

    /// What the host knows of itself from now on; unbans those that it has come to need. Not nullptr.
    [[nodiscard]] std::vector<Unban> set_knowledge(std::shared_ptr<const Knowledge> knowledge);
    [[nodiscard]] const Knowledge& knowledge() const;

    /// Every wanted ban that has not run out, for a rebuilt table.
    [[nodiscard]] std::vector<Ban> wanted(Time now) const;
    /// At most `max` of them in the order of their sources, IPv4 first, those after `after`: a part of all,
    /// for lists too long to be taken at once. O(bans).
    [[nodiscard]] std::vector<Ban> wanted_after(const std::optional<Prefix>& after, std::size_t max,
                                                Time now) const;
    /// At most `max` records, those expiring last first left out; for lists.
    [[nodiscard]] std::vector<BanRecord> bans(std::size_t max) const;
    /// At most `each` of those that end first, and as many of those that end last. O(each).
    [[nodiscard]] std::vector<BanRecord> some_bans(std::size_t each) const;
    /// `host`: of its probes to that one behind us, instead of those to us.
    [[nodiscard]] SourceReport report(const Address& source, Time now,
                                      const std::optional<Address>& host = std::nullopt) const;
    /// The ban of exactly this source; nullopt also when it is over.
    [[nodiscard]] std::optional<BanRecord> ban_of(const Prefix& source, Time now) const;
    /// The ban that covers all of a source and ends last: its own, or a wider one.
    [[nodiscard]] std::optional<BanRecord> covering_ban(const Prefix& source, Time now) const;

    [[nodiscard]] Counters counters() const;
    [[nodiscard]] const Limits& limits() const;
    [[nodiscard]] std::size_t sources_tracked() const;
    /// Sources with half as many ports as the threshold has points, or more. O(sources tracked).
    [[nodiscard]] std::size_t suspects(Time now) const;
    /// The `most` sources nearest to a ban, the nearest first. O(sources tracked), see SourceTable::nearest.
    [[nodiscard]] std::vector<SourceStanding> top_sources(std::size_t most, Time now) const;
    /// A flood takes more memory than the budget has: slow scanners may go unseen. See docs/memory.md.
    [[nodiscard]] bool is_degraded(Time now) const;
    /// More sources deserved a ban lately than may be banned within a minute: new ones go unbanned.
    [[nodiscard]] bool is_over_budget(Time now) const;
    [[nodiscard]] std::size_t bans_wanted() const;
    [[nodiscard]] std::size_t bans_wanted(Family family) const;
    /// Of Counters::bans_decided, those of the last hour, to the minute.
    [[nodiscard]] std::uint64_t bans_of_last_hour(Time now) const;
    /// When the first of the bans ends (while the kernel refuses one: perhaps not the very first).
    [[nodiscard]] std::optional<Time> next_end() const;
    /// Of whom earlier bans are remembered.
    [[nodiscard]] std::size_t offenders() const;
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

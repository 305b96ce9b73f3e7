// SPDX-License-Identifier: GPL-2.0-or-later
// Takes probes out of the rings, asks the engine, has its bans enforced, tells the outcome back and logs it.
// The only user of the engine and of the enforcer.
//
// Use:      construct, run() in a thread of its own, the engine thread, until the stop token says so. Others
//           post() tasks to it. Whoever fills a ring calls on_probes().
// Threads:  post() and on_probes() from any; everything else from the engine thread, which is where tasks
//           run. A receiving thread that finds nobody at work judges by itself, because to wake another takes
//           longer than judgement and ban together; what may take long or block (repairs, log, history) it
//           leaves to the engine thread. One lock says who is at work; nobody waits for it but that thread.
// Cost:     a burst of probes is judged whole and its bans go to the kernel as one transaction.
// Logs:     bans, unbans, repairs and refusals at info and above, limited per second; each new port at debug.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.hpp"
#include "daemon/engine_log.hpp"
#include "daemon/flow_worker.hpp"
#include "daemon/mailbox.hpp"
#include "daemon/proof_seeker.hpp"
#include "daemon/repair.hpp"
#include "daemon/watch_tap.hpp"
#include "enforce/enforcer.hpp"
#include "history/event.hpp"
#include "source/probe_ring.hpp"

namespace farewell::daemon {

/// One of many bans that a person has in a file.
struct BanRequest {
    core::Prefix source;
    std::optional<std::chrono::nanoseconds> duration;  // nullopt: ban.duration
    std::string note;
};

class EngineLoop {
 public:
    struct Wiring {
        std::vector<source::ProbeRing*> rings;  // outlive the loop
        std::vector<core::Prefix> allowlist;    // as the engine has it
        std::string enforcer_name;              // for log lines: "nftables table inet port_scanners_auto_ban"
        bool observing = false;                 // only changes what the log lines say
        FlowWorker* flows = nullptr;            // outlives run(); nullptr: connections are left alone
        bool cut_connections = false;           // of whoever is banned fully
        std::function<void(history::Event)> record = {};  // of what happens; never blocks
    };
    EngineLoop(core::Engine engine, std::unique_ptr<enforce::Enforcer> enforcer, Wiring wiring);

    void run(const std::stop_token& stop);
    void post(Mailbox<EngineLoop>::Task task) { mailbox_.post(std::move(task)); }
    /// There is something in the rings: it is judged, by the caller or by the engine thread.
    void on_probes();
    /// How often run() has come round, at least once a second unless something holds it up; for a watchdog.
    /// Any thread.
    [[nodiscard]] std::uint64_t rounds() const { return rounds_.load(std::memory_order_relaxed); }

    // From here on: engine thread only, which is where posted tasks run.

    [[nodiscard]] const core::Engine& engine() const { return engine_; }
    [[nodiscard]] enforce::Enforcer& enforcer() { return *enforcer_; }
    [[nodiscard]] std::uint64_t repairs() const { return repairs_; }
    [[nodiscard]] const std::optional<Repair>& last_repair() const { return last_repair_; }
    /// When the kernel was last seen to hold everything that is wanted, as it did at the start.
    [[nodiscard]] core::Time verified() const { return verified_; }
    /// Wanted bans that the kernel refused.
    [[nodiscard]] std::size_t refused() const { return refused_.size(); }
    /// There are such, or a repair that the kernel refuses.
    [[nodiscard]] bool is_kernel_refusing() const { return !refused_.empty() || unverified_.has_value(); }
    /// What the kernel said last, while a ban that it refused is still wanted or a repair is; or that the
    /// budget of bans is spent. Empty if all is well.
    [[nodiscard]] std::string trouble() const;

    /// Orders of the operator, carried out before they return. The error is the enforcer's.
    std::expected<core::OrderResult, enforce::EnforceError> ban(
        const core::Prefix& source, std::optional<std::chrono::nanoseconds> duration,
        const std::string& note = {});
    /// Many at once, in as few transactions as may be; a result for each. Log and history get a sum.
    std::vector<std::expected<core::OrderResult, enforce::EnforceError>> import(
        std::span<const BanRequest> requests);
    std::expected<core::OrderResult, enforce::EnforceError> unban(const core::Prefix& source);
    /// Returns how many there were.
    std::expected<std::size_t, enforce::EnforceError> unban_all();
    std::expected<void, enforce::EnforceError> reconfigure(const core::Limits& limits,
                                                           const std::vector<core::Prefix>& allowlist);
    void cut_connections(bool on) { wiring_.cut_connections = on; }
    /// What the history knows of bans before this life began; see Engine::remember_offences.
    void remember_offences(const core::Prefix& source, std::uint32_t count, core::Time last) {
        engine_.remember_offences(source, count, last);
    }
    /// Somebody watches: from now on probes and bans are set aside for take_watched(), or no longer.
    void watch(bool on) { tap_ = on ? std::optional<WatchTap>(std::in_place) : std::nullopt; }
    [[nodiscard]] WatchTap::Taken take_watched() { return tap_ ? tap_->take() : WatchTap::Taken(); }
    /// These are not forged: soft bans of theirs become full.
    void on_proven(const std::vector<core::Address>& sources);
    /// Somebody else has changed our part of the kernel's rules (`by`: who, or nothing): whatever is missing
    /// is put back at once, or where the kernel refuses, tried again every second.
    void verify(const std::string& by);
    /// What the host knows of itself from now on. Whom it has come to need is let in; where the kernel
    /// refuses, that is tried again every second.
    void set_knowledge(std::shared_ptr<const core::Knowledge> knowledge);

 private:
    bool take_probes();
    [[nodiscard]] bool has_probes() const;
    void enforce_or_leave(const std::vector<core::Ban>& bans);
    [[nodiscard]] std::unique_lock<std::mutex> go_to_work();
    void take_what_is_left();
    void take_ticks(core::Time now);
    void watch_budget(core::Time now);
    void on_arrival(const core::Arrival& arrival);
    void enforce(std::span<const core::Ban> bans);
    std::expected<void, enforce::EnforceError> rebuild(core::Time now,
                                                       const std::optional<std::string>& by = {});
    void tell_of_rebuilt(const std::string& by = {});
    void note_repair(const history::Repaired& repair, core::Time at);
    std::expected<void, enforce::EnforceError> put_back_what_is_missing(core::Time since,
                                                                        const std::string& by);
    std::expected<void, enforce::EnforceError> restore(std::span<const core::Ban> bans);
    [[nodiscard]] bool is_news(const core::Ban& ban, core::Time now);
    void conclude(const core::Ban& ban, core::Time now);
    /// Of a ban in force: all that is to be told of it.
    struct News {
        core::Ban ban;
        core::Time at;
        std::optional<core::BanRecord> known = {};
        history::Event event = {};  // if it is known
    };
    [[nodiscard]] News news_of(const core::Ban& ban, core::Time now);
    std::vector<News> take_news(std::size_t most);
    void tell(News news);
    void refuse(const core::Ban& ban, const enforce::EnforceError& error, core::Time now);
    void on_unbanned(const core::Unban& unban, core::Time now);
    void tell_of_imports(core::Time now);
    [[nodiscard]] bool is_in_force(const core::Prefix& source) const;
    [[nodiscard]] history::Event event_of(core::Time at, history::What what);
    void pass_on(history::Event event);
    void record(core::Time at, history::What what);
    std::expected<void, enforce::EnforceError> let_in(core::Time now);
    void let_in_or_retry(core::Time now);

    source::Doorbell doorbell_;
    std::mutex at_work_;                          // held by whoever uses what follows
    std::atomic<bool> is_engine_waiting_{false};  // for that: receiving threads make way
    core::Engine engine_;
    std::unique_ptr<enforce::Enforcer> enforcer_;
    Wiring wiring_;
    Mailbox<EngineLoop> mailbox_{doorbell_};
    std::vector<core::Arrival> arrivals_;  // room for a burst
    std::vector<core::Ban> decided_;       // of the burst at hand
    // What take_probes() left to the engine thread: bans that the kernel did not take at once, and those in
    // force, since when, that nobody has been told of.
    std::vector<core::Ban> unenforced_;
    std::vector<std::pair<core::Ban, core::Time>> unannounced_;
    EngineLog log_;
    std::vector<core::Prefix> never_banned_;  // as the enforcer has it
    std::vector<core::Unban> freed_;          // banned no longer, perhaps still in the kernel
    bool let_in_is_due_ = false;              // the kernel refused the last time
    ProofSeeker proofs_;
    core::Time next_tick_;
    std::atomic<std::uint64_t> rounds_{0};  // of run()
    bool is_over_budget_ = false;           // as last told
    std::uint64_t withheld_before_ = 0;     // bans, until it began
    std::size_t imported_ = 0;              // since it was last told
    std::uint64_t repairs_ = 0;
    std::optional<Repair> last_repair_;
    struct Rebuilt {
        core::Time at;
        std::size_t bans;
        core::Time::duration took;
    };
    std::optional<Rebuilt>
        rebuilt_;                  // nobody has been told, because who made it necessary may still be heard
    std::uint64_t events_ = 0;     // recorded
    std::optional<WatchTap> tap_;  // while somebody watches
    core::Time verified_;
    std::optional<std::string> unverified_;  // who made the change that could not be looked at yet
    std::set<core::Prefix> refused_;         // wanted, and not yet in the kernel
    std::string last_refusal_;
};

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/engine_loop.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "daemon/clock.hpp"
#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {
namespace {

using enforce::EnforceError;
using enforce::Failure;

constexpr std::size_t kProbesPerBurst = 256;  // judged before their bans go out: about 25 microseconds
// What ends in the same second, a list that was imported, say, ends in so many parts, between which others
// get to judge and ban; each takes about a millisecond, most of it the kernel's. Then the news of those.
constexpr std::size_t kDueAtOnce = 128;
constexpr std::size_t kToldAtOnce = 128;
constexpr std::chrono::seconds kTickAtLeastEvery{1};
// The kernel tells who changed the ruleset at once; who is to hear it may have to wait for a processor.
constexpr std::chrono::milliseconds kNameWithin{500};
// Of an element's time left: somebody who altered it by less has not let anybody in.
constexpr std::chrono::seconds kTimeLeftTolerance{2};

std::vector<core::Prefix> sources_of(std::span<const core::Unban> unbans) {
    std::vector<core::Prefix> sources;
    sources.reserve(unbans.size());
    for (const core::Unban& unban : unbans) {
        sources.push_back(unban.source);
    }
    return sources;
}

}  // namespace

EngineLoop::EngineLoop(core::Engine engine, std::unique_ptr<enforce::Enforcer> enforcer, Wiring wiring)
    : engine_(std::move(engine)),
      enforcer_(std::move(enforcer)),
      wiring_(std::move(wiring)),
      arrivals_(kProbesPerBurst),
      log_(wiring_.observing),
      never_banned_(core::never_banned(wiring_.allowlist, engine_.knowledge())),
      proofs_(wiring_.flows,
              [this](const std::vector<core::Address>& proven) {
                  if (!proven.empty()) {
                      post([proven](EngineLoop& loop) { loop.on_proven(proven); });
                  }
              }),
      verified_(boot_now()) {}

void EngineLoop::run(const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] { doorbell_.ring(); });
    while (!stop.stop_requested()) {
        rounds_.fetch_add(1, std::memory_order_relaxed);
        std::unique_lock lock = go_to_work();
        bool worked = take_probes();
        if (!unannounced_.empty()) {
            std::vector<News> news = take_news(kToldAtOnce);
            lock.unlock();
            for (News& one : news) {
                tell(std::move(one));
            }
            worked = true;
            lock = go_to_work();
        }
        const core::Time now = boot_now();
        const bool is_tick_due = now >= next_tick_;
        if (is_tick_due || !mailbox_.empty() || !unenforced_.empty()) {
            take_probes();  // whoever asks is told of everything before
            take_what_is_left();
            mailbox_.run_all(*this);
            if (is_tick_due) {
                take_ticks(now);
            }
            worked = true;
        }
        worked = worked || !unannounced_.empty();
        const core::Time next_tick = next_tick_;
        lock.unlock();
        if (worked) {
            continue;
        }
        doorbell_.announce_sleep();
        if (!mailbox_.empty() || stop.stop_requested() || has_probes()) {
            doorbell_.stay_awake();
        } else {
            doorbell_.sleep(std::max(next_tick - now, core::Time::duration::zero()));
        }
    }
    // What the queue threads still handed over before they ended deserves its judgement too.
    const std::scoped_lock lock(at_work_);
    while (take_probes()) {
    }
    take_what_is_left();
    while (mailbox_.run_all(*this)) {  // a task may post the next
    }
    tell_of_rebuilt();
}

void EngineLoop::on_probes() {
    const bool makes_way = is_engine_waiting_.load(std::memory_order_relaxed) ||
                           spdlog::should_log(spdlog::level::debug);  // then every port is logged
    std::unique_lock lock(at_work_, std::defer_lock);
    if (makes_way || !lock.try_lock()) {
        doorbell_.ring();
        return;
    }
    take_probes();
    const bool has_left = !unenforced_.empty() || !unannounced_.empty();
    lock.unlock();
    if (has_left || has_probes()) {
        doorbell_.ring();
    }
}

/// Whose bans are in force afterwards, or left to the engine thread as all news of them is.
bool EngineLoop::take_probes() {
    std::size_t taken = 0;
    for (source::ProbeRing* ring : wiring_.rings) {
        const std::span<const core::Arrival> burst = ring->take(arrivals_);
        for (std::size_t i = 0; i < burst.size(); ++i) {
            engine_.look_ahead(burst, i);
            on_arrival(burst[i]);
        }
        taken += burst.size();
        if (!decided_.empty()) {
            enforce_or_leave(std::exchange(decided_, {}));
        }
    }
    return taken > 0;
}

bool EngineLoop::has_probes() const {
    return std::ranges::any_of(wiring_.rings, [](source::ProbeRing* ring) { return !ring->empty(); });
}

void EngineLoop::enforce_or_leave(const std::vector<core::Ban>& bans) {
    const core::Time now = boot_now();
    if (!enforcer_->ban(bans, now)) {
        unenforced_.insert(unenforced_.end(), bans.begin(), bans.end());
        return;
    }
    for (const core::Ban& ban : bans) {
        if (is_news(ban, now)) {
            unannounced_.emplace_back(ban, now);
        }
    }
}

/// Receiving threads make way for it.
std::unique_lock<std::mutex> EngineLoop::go_to_work() {
    is_engine_waiting_.store(true, std::memory_order_relaxed);
    std::unique_lock lock(at_work_);
    is_engine_waiting_.store(false, std::memory_order_relaxed);
    return lock;
}

void EngineLoop::take_what_is_left() {
    for (News& one : take_news(unannounced_.size())) {
        tell(std::move(one));
    }
    const std::vector<core::Ban> unenforced = std::exchange(unenforced_, {});
    if (!unenforced.empty()) {
        enforce(unenforced);
    }
}

void EngineLoop::take_ticks(core::Time now) {
    const core::Engine::Due due = engine_.on_tick(now, kDueAtOnce);
    if (!due.bans.empty()) {
        enforce(due.bans);
    }
    if (!due.unbans.empty()) {
        enforcer_->forget_counts(sources_of(due.unbans));
    }
    for (const core::Unban& unban : due.unbans) {
        on_unbanned(unban, now);
    }
    if (let_in_is_due_) {
        let_in_or_retry(now);
    }
    if (unverified_) {
        verify(std::string(*unverified_));
    }
    if (rebuilt_ && now - rebuilt_->at >= kNameWithin) {
        tell_of_rebuilt();
    }
    watch_budget(now);
    tell_of_imports(now);
    proofs_.on_tick(now);
    log_.on_tick(now);
    next_tick_ = std::min(engine_.next_due().value_or(core::Time::max()), now + kTickAtLeastEvery);
    next_tick_ = std::max(next_tick_, now + std::chrono::milliseconds(1));
}

void EngineLoop::on_arrival(const core::Arrival& arrival) {
    if (tap_) {
        tap_->note(arrival);
    }
    const bool tells_ports = spdlog::should_log(spdlog::level::debug);
    const std::uint64_t repeated = tells_ports ? engine_.counters().probes_repeated : 0;
    if (const auto ban = engine_.on_probe(arrival.probe, arrival.at)) {
        decided_.push_back(*ban);
    }
    if (tells_ports && engine_.counters().probes_repeated == repeated) {
        log_.new_port(arrival.probe, engine_.report(arrival.probe.source, arrival.at), engine_.limits());
    }
}

void EngineLoop::enforce(std::span<const core::Ban> bans) {
    const core::Time now = boot_now();
    auto outcome = enforcer_->ban(bans, now);
    if (!outcome && outcome.error().failure == Failure::table_gone) {
        outcome = rebuild(now);  // puts every wanted ban back, these among them
        if (outcome) {
            return;
        }
    }
    if (outcome) {
        for (const core::Ban& ban : bans) {
            conclude(ban, now);
        }
    } else if (bans.size() == 1) {
        refuse(bans.front(), outcome.error(), now);
    } else {
        for (const core::Ban& ban : bans) {  // one that the kernel will not take must not keep the others out
            enforce(std::span(&ban, 1));
        }
    }
}

void EngineLoop::verify(const std::string& by) {
    const core::Time now = boot_now();
    if (!by.empty()) {
        tell_of_rebuilt(by);  // a ban that met no table was quicker than the news of it
    }
    const auto intact = enforcer_->is_intact();
    std::expected<void, EnforceError> outcome;
    if (!intact) {
        outcome = std::unexpected(intact.error());
    } else {
        outcome = *intact ? put_back_what_is_missing(now, by) : rebuild(now, by);
    }
    if (outcome) {
        verified_ = boot_now();
        unverified_.reset();
    } else {
        if (!unverified_) {
            log_.repair_failed(wiring_.enforcer_name, by, outcome.error().message);
        }
        unverified_ = by;
        last_refusal_ = outcome.error().message;
        next_tick_ = std::min(next_tick_, now + kTickAtLeastEvery);
    }
}

std::expected<void, EnforceError> EngineLoop::put_back_what_is_missing(core::Time since,
                                                                       const std::string& by) {
    const core::Time asked = boot_now();
    const auto listed = enforcer_->list();
    if (!listed) {
        return std::unexpected(listed.error());
    }
    const core::Time now = boot_now();
    const auto tolerance = kTimeLeftTolerance + (now - asked);  // the kernel answered at some time between
    std::map<std::pair<core::Prefix, bool>, std::chrono::nanoseconds> held;
    for (const enforce::EnforcedBan& ban : *listed) {
        held.emplace(std::pair(ban.source, ban.soft), ban.time_left);
    }
    std::vector<core::Ban> missing = engine_.wanted(now);
    std::erase_if(missing, [&](core::Ban& ban) {
        const auto found = held.find({ban.source, ban.soft});
        ban.changed_form |= held.contains({ban.source, !ban.soft});
        return found != held.end() && !ban.changed_form &&
               std::chrono::abs(found->second - (ban.until - now)) < tolerance;
    });
    if (missing.empty()) {
        return {};
    }
    if (auto restored = restore(missing); !restored) {
        return restored;
    }
    log_.put_back(missing.size(), wiring_.enforcer_name, by, boot_now() - since);
    ++repairs_;
    note_repair({.rebuilt = false, .bans = missing.size(), .by = by}, now);
    return {};
}

/// One that the kernel has no room for must not keep the others out.
std::expected<void, EnforceError> EngineLoop::restore(std::span<const core::Ban> bans) {
    const core::Time now = boot_now();
    auto outcome = enforcer_->ban(bans, now);
    if (outcome) {
        for (const core::Ban& ban : bans) {
            conclude(ban, now);
        }
        return {};
    }
    if (outcome.error().failure != Failure::set_full) {
        return outcome;
    }
    if (bans.size() == 1) {
        refuse(bans.front(), outcome.error(), now);
        return {};
    }
    const auto first = bans.first(bans.size() / 2);
    if (auto restored = restore(first); !restored) {
        return restored;
    }
    return restore(bans.subspan(first.size()));
}

/// `by`: who made it necessary; nullopt: that is still to be told by a verify().
std::expected<void, EnforceError> EngineLoop::rebuild(core::Time now, const std::optional<std::string>& by) {
    if (auto built = enforcer_->build(); !built) {
        return built;
    }
    // To build may have waited for whoever else changes the ruleset: what bans have left is counted from
    // here.
    const std::vector<core::Ban> wanted = engine_.wanted(boot_now());
    if (auto restored = restore(wanted); !restored) {
        return restored;
    }
    tell_of_rebuilt();  // an earlier one
    rebuilt_ = Rebuilt{.at = now,
                       .bans = wanted.size() - std::min(refused_.size(), wanted.size()),
                       .took = boot_now() - now};
    ++repairs_;
    last_repair_ = Repair{.at = now, .by = ""};
    if (by) {
        tell_of_rebuilt(*by);
    } else {
        next_tick_ = std::min(next_tick_, now + kNameWithin);
    }
    return {};
}

/// The kernel holds this ban. Whether it did not before.
bool EngineLoop::is_news(const core::Ban& ban, core::Time now) {
    refused_.erase(ban.source);
    return engine_.on_enforced(ban, now);
}

void EngineLoop::conclude(const core::Ban& ban, core::Time now) {
    if (is_news(ban, now)) {
        tell(news_of(ban, now));
    }
}

void EngineLoop::on_proven(const std::vector<core::Address>& sources) {
    std::vector<core::Ban> bans;
    for (const core::Address& source : sources) {
        if (const auto ban = engine_.on_proven(source, boot_now())) {
            bans.push_back(*ban);
        }
    }
    if (!bans.empty()) {
        enforce(bans);
    }
}

void EngineLoop::refuse(const core::Ban& ban, const EnforceError& error, core::Time now) {
    engine_.on_refused(ban.source, now);
    refused_.insert(ban.source);
    last_refusal_ = error.message;
    next_tick_ = std::min(next_tick_, engine_.next_due().value_or(next_tick_));
    log_.refused(ban, error.message, now);
}

void EngineLoop::set_knowledge(std::shared_ptr<const core::Knowledge> knowledge) {
    const std::vector<core::Unban> freed = engine_.set_knowledge(std::move(knowledge));
    freed_.insert(freed_.end(), freed.begin(), freed.end());
    let_in_or_retry(boot_now());
}

void EngineLoop::let_in_or_retry(core::Time now) {
    const auto done = let_in(now);
    if (!done && !let_in_is_due_) {
        spdlog::error("sources that are never banned may still be kept out, will be retried: {}",
                      done.error().message);
    }
    let_in_is_due_ = !done;
}

/// Brings the kernel in line with whom the engine never bans and bans no longer.
std::expected<void, EnforceError> EngineLoop::let_in(core::Time now) {
    std::vector<core::Prefix> wanted = core::never_banned(wiring_.allowlist, engine_.knowledge());
    if (wanted != never_banned_) {
        auto allowed = enforcer_->allow(wanted);
        if (!allowed && allowed.error().failure == Failure::table_gone) {
            allowed = rebuild(now);  // with the new list, and without those that have been freed
        }
        if (!allowed) {
            return allowed;
        }
        never_banned_ = std::move(wanted);
    }
    // Whoever has earned a new ban meanwhile keeps it.
    std::erase_if(freed_,
                  [&](const core::Unban& unban) { return engine_.ban_of(unban.source, now).has_value(); });
    if (freed_.empty()) {
        return {};
    }
    if (auto removed = enforcer_->unban(sources_of(freed_));
        !removed && removed.error().failure != Failure::table_gone) {
        return removed;
    }
    for (const core::Unban& unban : std::exchange(freed_, {})) {
        on_unbanned(unban, now);
    }
    return {};
}

}  // namespace farewell::daemon

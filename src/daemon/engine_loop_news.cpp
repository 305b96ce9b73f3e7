// SPDX-License-Identifier: GPL-2.0-or-later
// The engine loop's third part: what the log, the history and whoever watches are told.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "daemon/clock.hpp"
#include "daemon/engine_loop.hpp"

namespace farewell::daemon {

/// To be told while nobody is kept from working: whoever is woken by the news may take this thread's
/// processor for milliseconds.
std::vector<EngineLoop::News> EngineLoop::take_news(std::size_t most) {
    const auto end = unannounced_.begin() + static_cast<std::ptrdiff_t>(std::min(most, unannounced_.size()));
    std::vector<News> news;
    for (auto one = unannounced_.begin(); one != end; ++one) {
        news.push_back(news_of(one->first, one->second));
    }
    unannounced_.erase(unannounced_.begin(), end);
    return news;
}

EngineLoop::News EngineLoop::news_of(const core::Ban& ban, core::Time now) {
    News news{.ban = ban, .at = now};
    if (ban.reason != core::BanReason::imported) {     // import() tells of them all
        news.known = engine_.ban_of(ban.source, now);  // nullopt: so short a ban is over already
    }
    if (news.known) {
        news.event = event_of(
            now, history::Banned{.ban = ban, .evidence = news.known->evidence, .note = news.known->note});
    }
    return news;
}

/// What is to be done about a ban in force, the log and the history among it. Nothing of it needs the engine.
void EngineLoop::tell(News news) {
    if (wiring_.flows != nullptr && wiring_.cut_connections && !news.ban.soft) {
        static_cast<void>(wiring_.flows->cut(news.ban.source));  // it counts what it has no room for
    }
    proofs_.note(news.ban, news.at);
    if (news.known) {
        log_.banned(news.ban, *news.known, news.at);
        pass_on(std::move(news.event));
    }
}

void EngineLoop::on_unbanned(const core::Unban& unban, core::Time now) {
    refused_.erase(unban.source);
    if (unban.banned_for == core::BanReason::imported && unban.reason == core::UnbanReason::expired) {
        return;  // nobody was told of its beginning
    }
    log_.unbanned(unban, now);
    record(now, history::Unbanned{unban});
}

/// Once a tick: a file comes in many parts.
void EngineLoop::tell_of_imports(core::Time now) {
    if (const std::size_t bans = std::exchange(imported_, 0); bans > 0) {
        spdlog::info("{} {} imported", bans, bans == 1 ? "ban" : "bans");
        record(now, history::Imported{.bans = bans});
    }
}

/// The log and the history, once.
void EngineLoop::tell_of_rebuilt(const std::string& by) {
    if (const auto rebuilt = std::exchange(rebuilt_, std::nullopt)) {
        log_.rebuilt(rebuilt->bans, wiring_.enforcer_name, by, rebuilt->took);
        note_repair({.rebuilt = true, .bans = rebuilt->bans, .by = by}, rebuilt->at);
    }
}

void EngineLoop::note_repair(const history::Repaired& repair, core::Time at) {
    last_repair_ = Repair{.at = at, .by = repair.by};
    record(at, repair);
}

void EngineLoop::watch_budget(core::Time now) {
    const std::uint64_t withheld = engine_.counters().bans_withheld;
    const bool is_over = engine_.is_over_budget(now);
    if (is_over && !is_over_budget_) {
        log_.budget_spent(engine_.limits().bans_per_minute);
        record(now, history::BudgetSpent{.bans_per_minute = engine_.limits().bans_per_minute});
    } else if (!is_over && is_over_budget_) {
        record(now, history::BansResumed{.withheld = withheld - withheld_before_});
        log_.bans_resumed(withheld - withheld_before_);
    }
    is_over_budget_ = is_over;
    if (!is_over) {
        withheld_before_ = withheld;
    }
}

std::string EngineLoop::trouble() const {
    if (is_kernel_refusing()) {
        return last_refusal_;
    }
    if (engine_.is_over_budget(boot_now())) {
        return fmt::format("more than {} bans within a minute: new scanners are not banned (ban.per_minute)",
                           engine_.limits().bans_per_minute);
    }
    return "";
}

history::Event EngineLoop::event_of(core::Time at, history::What what) {
    history::Event event{
        .at = at, .observed = wiring_.observing, .what = std::move(what), .number = ++events_};
    if (tap_) {
        tap_->note(event);
    }
    return event;
}

void EngineLoop::pass_on(history::Event event) {
    if (wiring_.record) {
        wiring_.record(std::move(event));
    }
}

void EngineLoop::record(core::Time at, history::What what) {
    pass_on(event_of(at, std::move(what)));
}

}  // namespace farewell::daemon

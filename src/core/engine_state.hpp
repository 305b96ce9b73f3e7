// SPDX-License-Identifier: GPL-2.0-or-later
// What the engine knows, and the steps that judging (engine.cpp) and orders (engine_orders.cpp) have in
// common.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "core/address_runs.hpp"
#include "core/allowlist.hpp"
#include "core/ban_book.hpp"
#include "core/ban_budget.hpp"
#include "core/detector.hpp"
#include "core/engine.hpp"
#include "core/last_hour.hpp"
#include "core/offence_book.hpp"

namespace farewell::core {

struct Engine::State {
    State(const Limits& new_limits, const std::vector<Prefix>& networks)
        : limits(new_limits),
          allowlist(networks),
          detector(limits),
          bans(limits.hash_key),
          budget(limits.bans_per_minute),
          offences(limits) {}

    /// Time may stand still, never go back.
    Time at_least_last(Time now) {
        last_now = std::max(last_now, now);
        return last_now;
    }

    /// What a probe met whose source is banned, alone or with others.
    struct Covered {
        bool by_any = false;
        std::optional<Ban> again;  // of the narrowest ban that has to be handed out again
    };
    Covered on_probe_of_banned(const Address& source, Time now);
    [[nodiscard]] const BanRecord* covering(const Prefix& source, Time now) const;
    [[nodiscard]] bool may_be_banned(const Prefix& source) const;
    [[nodiscard]] std::optional<Prefix> narrowed(const Detector::Candidate& candidate, const Probe& probe,
                                                 Time now);
    std::optional<Ban> decide(Decision decision, Time now);
    void count_decided(Time now) {
        ++counters.bans_decided;
        decided.add(now);
    }
    void reconsider_companions(const Decision& decision, Time now);
    [[nodiscard]] std::chrono::nanoseconds duration_of(bool soft, std::uint32_t offence) const;
    void change_form(BanRecord& record, Time now);
    Evidence take_evidence(const Prefix& source, Time now);
    void expire(const Prefix& source);
    [[nodiscard]] std::optional<OrderResult> objection(const Prefix& source) const;
    Ban hand_out(BanRecord& record, Time now);
    template <typename IsExempt>
    std::vector<Unban> lift_bans(UnbanReason reason, IsExempt is_exempt);

    Limits limits;
    Allowlist allowlist;
    Detector detector;
    std::shared_ptr<const Knowledge> knowledge = std::make_shared<const Knowledge>();  // the edge's too
    BanBook bans;
    BanBudget budget;
    OffenceBook offences;
    AddressRuns runs;
    Counters counters;
    LastHour decided;            // bans
    std::vector<Unban> expired;  // found over by a probe before the tick came round
    Time last_now = Time::min();
};

/// Whom `is_exempt` covers is banned no longer.
template <typename IsExempt>
std::vector<Unban> Engine::State::lift_bans(UnbanReason reason, IsExempt is_exempt) {
    std::vector<Unban> unbans;
    bans.for_each([&](const BanRecord& record) {
        if (is_exempt(record.ban.source)) {
            unbans.push_back(
                {.source = record.ban.source, .reason = reason, .banned_for = record.ban.reason});
        }
    });
    for (const Unban& unban : unbans) {
        bans.remove(unban.source);
        ++counters.unbans;
    }
    return unbans;
}

}  // namespace farewell::core

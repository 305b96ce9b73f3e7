// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/engine_log.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <string>

#include "daemon/clock.hpp"
#include "report/address_text.hpp"
#include "report/quantity_text.hpp"
#include "service/event_log.hpp"

namespace farewell::daemon {
namespace {

namespace field = service::field;

constexpr std::size_t kPortsInLine = 32;  // more would not be read

std::size_t shown_ports(const core::Evidence& evidence) {
    return std::min(evidence.ports.size(), kPortsInLine);
}

/// "tcp/21 tcp/23": as many as are read.
std::string ports_of(const core::Evidence& evidence) {
    std::string text;
    for (const core::TriedPort& tried : std::span(evidence.ports).first(shown_ports(evidence))) {
        text += (text.empty() ? "" : " ") + report::to_text(tried.port);
    }
    return text;
}

std::string ports_text(const core::Evidence& evidence) {
    std::string text = ports_of(evidence);
    const std::size_t shown = shown_ports(evidence);
    if (shown < evidence.distinct && evidence.criterion != core::Criterion::sweep) {
        text += fmt::format(" and {} more", evidence.distinct - shown);
    }
    return text;
}

std::string evidence_text(const core::Evidence& evidence) {
    std::string text =
        evidence.criterion == core::Criterion::sweep
            ? fmt::format("sweep of {} hosts: {}", evidence.distinct, ports_text(evidence))
            : fmt::format("{} distinct closed ports: {}", evidence.distinct, ports_text(evidence));
    if (evidence.sources_at_least > 1) {
        text += fmt::format(", by at least {} of its addresses", evidence.sources_at_least);
    }
    if (!evidence.companions.empty()) {
        text += fmt::format(", together with {} others: decoys", evidence.companions.size());
    }
    return text;
}

std::string by_whom(const std::string& by) {
    return by.empty() ? "" : " by " + by;
}

std::string milliseconds(core::Time::duration took) {
    return fmt::format("{:.1f} ms", std::chrono::duration<double, std::milli>(took).count());
}

void tell_of_repair(std::size_t bans, const std::string& by, const std::string& line) {
    service::log_event(service::kRepaired, spdlog::level::warn, line,
                       {{field::kAction, "repair"},
                        {field::kCount, fmt::to_string(bans)},
                        {field::kBy, by.empty() ? "unknown" : by}});
}

}  // namespace

void EngineLog::banned(const core::Ban& ban, const core::BanRecord& record, core::Time now) {
    if (!ban_lines_.admit(now)) {
        return;
    }
    const std::string evidence = core::is_by_person(ban.reason) ? std::string(core::name_of(ban.reason))
                                                                : evidence_text(record.evidence);
    service::log_event(observing_ ? service::kWouldBan : service::kBanned, spdlog::level::info,
                       fmt::format("{} {} {}banned for {} ({}{})", report::to_text(ban.source),
                                   observing_ ? "would have been" : "has been", ban.soft ? "softly " : "",
                                   report::to_text(ban.until - record.since), evidence,
                                   ban.offence > 1 ? fmt::format(", offence {}", ban.offence) : ""),
                       {{field::kAction, observing_ ? "would-ban" : "ban"},
                        {field::kSource, report::to_text(ban.source)},
                        {field::kPorts, ports_of(record.evidence)},
                        {field::kReason, evidence},
                        {field::kUntil, report::to_rfc3339(wall_time(ban.until))},
                        {field::kForm, ban.soft ? "soft" : "full"},
                        {field::kOffence, fmt::to_string(ban.offence)}});
}

void EngineLog::unbanned(const core::Unban& unban, core::Time now) {
    if (unban_lines_.admit(now)) {
        service::log_event(
            service::kUnbanned, spdlog::level::info,
            fmt::format("{} {} unbanned ({})", report::to_text(unban.source),
                        observing_ ? "would have been" : "has been", core::name_of(unban.reason)),
            {{field::kAction, "unban"},
             {field::kSource, report::to_text(unban.source)},
             {field::kReason, std::string(core::name_of(unban.reason))}});
    }
}

void EngineLog::refused(const core::Ban& ban, const std::string& why, core::Time now) {
    if (refusal_lines_.admit(now)) {
        service::log_event(
            service::kBanRefused, spdlog::level::err,
            fmt::format("failed to ban {}, will be retried: {}", report::to_text(ban.source), why),
            {{field::kSource, report::to_text(ban.source)}, {field::kReason, why}});
    }
}

void EngineLog::budget_spent(std::uint32_t bans_per_minute) {
    service::log_event(
        service::kBudgetSpent, spdlog::level::err,
        fmt::format("more than {} sources deserved a ban within a minute, as when somebody forges them: "
                    "new ones are not banned until that ends (ban.per_minute)",
                    bans_per_minute),
        {{field::kCount, fmt::to_string(bans_per_minute)}});
}

void EngineLog::bans_resumed(std::uint64_t withheld) {
    service::log_event(service::kBansResumed, spdlog::level::warn,
                       fmt::format("bans resume; {} were withheld", withheld),
                       {{field::kCount, fmt::to_string(withheld)}});
}

void EngineLog::put_back(std::size_t bans, const std::string& table, const std::string& by,
                         core::Time::duration took) {
    tell_of_repair(bans, by,
                   fmt::format("{} of the bans in {} had been taken out or altered{}: back in force after {}",
                               bans, table, by_whom(by), milliseconds(took)));
}

void EngineLog::rebuilt(std::size_t bans, const std::string& table, const std::string& by,
                        core::Time::duration took) {
    tell_of_repair(bans, by,
                   fmt::format("{} was {}: rebuilt, {} {} back in force after {}", table,
                               by.empty() ? "gone" : "removed or changed by " + by, bans,
                               bans == 1 ? "ban is" : "bans are", milliseconds(took)));
}

void EngineLog::repair_failed(const std::string& table, const std::string& by, const std::string& why) {
    service::log_event(
        service::kRepairFailed, spdlog::level::err,
        fmt::format("{} has been changed{}, and cannot be repaired yet: {}", table, by_whom(by), why),
        {{field::kReason, why}, {field::kBy, by}});
}

void EngineLog::new_port(const core::Probe& probe, const core::SourceReport& known,
                         const core::Limits& limits) {
    const core::Evidence& evidence = known.ban ? known.ban->evidence : known.evidence;
    if (!evidence.ports.empty() && evidence.ports.back().port == probe.port) {
        spdlog::debug("{} reached {} of {} ports: {}", report::to_text(probe.source), evidence.distinct,
                      limits.threshold, ports_text(evidence));
    }
}

void EngineLog::on_tick(core::Time now) {
    const auto sum_up = [](spdlog::level::level_enum level, std::uint64_t count, const std::string& line) {
        service::log_event(service::kMoreBanned, level, fmt::format("{} more {}", count, line),
                           {{field::kCount, fmt::to_string(count)}});
    };
    if (const auto count = ban_lines_.take_held_back(now)) {
        sum_up(spdlog::level::info, *count,
               observing_ ? "sources have been seen that would be banned within the same second"
                          : "sources have been banned within the same second");
    }
    if (const auto count = unban_lines_.take_held_back(now)) {
        sum_up(spdlog::level::info, *count, "sources have been unbanned within the same second");
    }
    if (const auto count = refusal_lines_.take_held_back(now)) {
        sum_up(spdlog::level::err, *count, "bans failed within the same second and will be retried");
    }
}

}  // namespace farewell::daemon

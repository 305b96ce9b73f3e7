// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/engine_log.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {
namespace {

constexpr std::size_t kPortsInLine = 32;  // more would not be read

std::string ports_text(const core::Evidence& evidence) {
    const std::vector<core::TriedPort>& ports = evidence.ports;
    std::string text;
    const std::size_t shown = std::min(ports.size(), kPortsInLine);
    for (std::size_t i = 0; i < shown; ++i) {
        text += (i == 0 ? "" : " ") + report::to_text(ports[i].port);
    }
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

}  // namespace

void EngineLog::banned(const core::Ban& ban, const core::BanRecord& record, core::Time now) {
    if (!ban_lines_.admit(now)) {
        return;
    }
    const std::string evidence = core::is_by_person(ban.reason) ? std::string(core::name_of(ban.reason))
                                                                : evidence_text(record.evidence);
    spdlog::info("{} {} {}banned for {} ({}{})", report::to_text(ban.source),
                 observing_ ? "would have been" : "has been", ban.soft ? "softly " : "",
                 report::to_text(ban.until - record.since), evidence,
                 ban.offence > 1 ? fmt::format(", offence {}", ban.offence) : "");
}

void EngineLog::unbanned(const core::Unban& unban, core::Time now) {
    if (unban_lines_.admit(now)) {
        spdlog::info("{} {} unbanned ({})", report::to_text(unban.source),
                     observing_ ? "would have been" : "has been", core::name_of(unban.reason));
    }
}

void EngineLog::refused(const core::Ban& ban, const std::string& why, core::Time now) {
    if (refusal_lines_.admit(now)) {
        spdlog::error("failed to ban {}, will be retried: {}", report::to_text(ban.source), why);
    }
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
    if (const auto count = ban_lines_.take_held_back(now)) {
        spdlog::info("{} more sources have been {}banned within the same second", *count,
                     observing_ ? "seen that would be " : "");
    }
    if (const auto count = unban_lines_.take_held_back(now)) {
        spdlog::info("{} more sources have been unbanned within the same second", *count);
    }
    if (const auto count = refusal_lines_.take_held_back(now)) {
        spdlog::error("{} more bans failed within the same second and will be retried", *count);
    }
}

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// What the log says of bans and repairs: a line each at info and above, those of bans limited per second and
// then summed up; each new port at debug.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/engine.hpp"
#include "report/line_limit.hpp"

namespace farewell::daemon {

class EngineLog {
 public:
    explicit EngineLog(bool observing) : observing_(observing) {}

    void banned(const core::Ban& ban, const core::BanRecord& record, core::Time now);
    void unbanned(const core::Unban& unban, core::Time now);
    void refused(const core::Ban& ban, const std::string& why, core::Time now);
    static void budget_spent(std::uint32_t bans_per_minute);
    static void bans_resumed(std::uint64_t withheld);
    // What was done about a change that somebody else (`by`, empty: who knows) made to `table`.
    static void put_back(std::size_t bans, const std::string& table, const std::string& by,
                         core::Time::duration took);
    static void rebuilt(std::size_t bans, const std::string& table, const std::string& by,
                        core::Time::duration took);
    static void repair_failed(const std::string& table, const std::string& by, const std::string& why);
    /// `known` as of after the probe.
    static void new_port(const core::Probe& probe, const core::SourceReport& known,
                         const core::Limits& limits);
    /// Sums up what there was no line for. At least once a second.
    void on_tick(core::Time now);

 private:
    bool observing_;
    report::LineLimit ban_lines_{50};
    report::LineLimit unban_lines_{50};
    report::LineLimit refusal_lines_{5};
};

}  // namespace farewell::daemon

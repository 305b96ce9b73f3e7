// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon knows, as the JSON documents that clients get. Facts in, JSON out; asks nobody.
// Every document carries its schema name; the names are promises (docs/man/farewell.1.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/engine.hpp"
#include "daemon/flow_worker.hpp"
#include "daemon/metrics_file.hpp"
#include "daemon/repair.hpp"
#include "enforce/enforcer.hpp"
#include "history/recorder.hpp"
#include "nft/trap_text.hpp"
#include "source/packet_source.hpp"

namespace farewell::daemon {

struct StatusFacts {
    std::string version;
    int pid = 0;
    bool observing = false;
    core::Time started;
    core::Time config_loaded;
    std::vector<std::string> config_files;
    bool logged = false;  // packets come from a log group, not from queues
    std::vector<source::LaneStatus> lanes;
    std::string table;
    std::optional<nft::Trap> trap;  // nullopt: none
    std::optional<nft::Brake> brake;
    double packets_per_second = 0;
    std::optional<std::chrono::nanoseconds> verdict_p99;  // of the last minute; nullopt: none was given
    std::uint64_t repairs = 0;
    std::optional<Repair> last_repair;
    std::size_t refused = 0;          // wanted bans that the kernel does not hold
    bool is_kernel_refusing = false;  // these, or a repair
    core::Time verified;              // when it was last seen to hold all the others
    FlowWorker::Counters flows;
    std::string trouble;                               // empty: none
    std::optional<history::Recorder::Status> history;  // nullopt: off
    std::optional<MetricsFile::Status> metrics_file;   // nullopt: none is written

    [[nodiscard]] bool is_history_short() const { return history && !history->trouble.empty(); }
};

[[nodiscard]] nlohmann::json status_document(const StatusFacts& facts, const core::Engine& engine,
                                             core::Time now);

/// `held` holds what the kernel counts, in any order; may be empty where it was too much to ask.
[[nodiscard]] nlohmann::json bans_document(const std::vector<core::BanRecord>& bans, std::size_t total,
                                           const std::vector<enforce::EnforcedBan>& held, core::Time now);
[[nodiscard]] nlohmann::json ban_document(const core::BanRecord& ban,
                                          const std::optional<enforce::EnforcedBan>& held, core::Time now);
[[nodiscard]] nlohmann::json explain_document(const core::Address& source, const core::SourceReport& report,
                                              const core::Engine& engine,
                                              const std::optional<enforce::EnforcedBan>& held,
                                              core::Time now);

/// For an explanation: what of an address did not count, and by which rule.
[[nodiscard]] nlohmann::json disregarded_part(const std::vector<source::DisregardedPacket>& packets);

}  // namespace farewell::daemon

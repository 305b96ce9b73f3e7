// SPDX-License-Identifier: GPL-2.0-or-later
// The judgement: what every source has tried, and when that is enough. Knows nothing of bans in force, of the
// allowlist, or of what becomes of its decisions; that is the engine's.
//
// Use:      on_probe for every probe of a source that is not banned; conclude for the candidate to be banned.
// Threads:  none of its own; not safe to share.
// Cost:     one look-up in the source table for each observation: one for an IPv4 probe, three for IPv6.
//           conclude() may copy a ring of 1024 entries; it runs once a decision.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstddef>
#include <optional>
#include <vector>

#include "core/company.hpp"
#include "core/decide.hpp"
#include "core/evidence.hpp"
#include "core/limits.hpp"
#include "core/source_table.hpp"
#include "core/time.hpp"

namespace farewell::core {

struct Decision {
    Prefix source;
    bool soft = false;    ///< the evidence is doubtful: ban for a short time
    bool spared = false;  ///< no ban: it is one of decoys, and they are only observed
    Evidence evidence;
};

class Detector {
 public:
    explicit Detector(const Limits& limits);

    struct Candidate {
        Subject subject;
        Criterion criterion;
        /// What of it may be banned, where not all of it may.
        std::optional<Prefix> narrowed = std::nullopt;
    };
    struct Judgement {
        bool is_repeated = false;  ///< nothing that was not known before
        /// Who has done enough, the narrowest first. To be concluded in this order until one is.
        boost::container::static_vector<Candidate, Observations::static_capacity> candidates;
    };
    Judgement on_probe(const Probe& probe, Time now);
    /// What on_probe will look at, in two steps; see SourceTable. Not worth it for tables that fit into a
    /// cache.
    void prefetch_set(const Probe& probe) const;
    void prefetch_record(const Probe& probe) const;
    [[nodiscard]] bool is_prefetch_worth_it() const { return sources_.size() > kCachedSources; }

    /// Gathers the evidence against a candidate, and of whom is banned forgets what is counted (but of a
    /// network that is narrowed). nullopt: no ban after all, because too few addresses of a network took
    /// part.
    std::optional<Decision> conclude(const Candidate& candidate, const Probe& probe, Time now);

    /// What is known of an address that is not banned: of its probes to us, or to one host behind us.
    [[nodiscard]] Evidence report(const Address& source, Time now,
                                  const std::optional<Address>& host = std::nullopt) const;
    /// The `most` sources nearest to a ban by firm evidence, the nearest first; each once, for what it is
    /// nearest by.
    [[nodiscard]] std::vector<SourceStanding> nearest(std::size_t most, Time now) const;
    /// The address starts from nothing.
    void forget(const Address& source, Time now);
    void forget_expired(Time now);
    /// Keeps what is known as far as the table's size and times stay what they are.
    void reconfigure(const Limits& limits, Time now);

    [[nodiscard]] const SourceTable& sources() const { return sources_; }
    /// Constant, at most Limits::memory_bytes.
    [[nodiscard]] std::size_t memory_used() const {
        return sources_.memory_used() + ambiguous_.memory_used();
    }
    [[nodiscard]] std::uint64_t decoys_recognised() const { return decoys_recognised_; }

 private:
    static constexpr std::size_t kCachedSources = 8192;  // of 64 bytes

    [[nodiscard]] Evidence evidence_of(const Subject& subject, std::vector<Tried> tried, Time now) const;
    [[nodiscard]] SourceStanding standing_of(const SourceTable::Standing& ranked, Time now) const;
    [[nodiscard]] SourceTable& table_of(const Subject& subject);
    [[nodiscard]] const SourceTable& table_of(const Subject& subject) const;
    [[nodiscard]] std::vector<WiderNetwork> networks_around(const Prefix& who, Time now) const;

    Limits limits_;
    SourceTable sources_;
    SourceTable ambiguous_;  // apart: its window is a minute, and nobody can push evidence out by it
    Company company_;
    std::uint64_t decoys_recognised_ = 0;
};

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// From a probe to what is counted about its sender, and from the counts to a decision. Pure functions of the
// limits; docs/detection.md explains the criteria and argues their numbers.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/classify.hpp"
#include "core/limits.hpp"
#include "core/source_table.hpp"

namespace farewell::core {

/// Which of the criteria decided.
enum class Criterion : std::uint8_t {
    plain,      ///< so many distinct closed ports within the window (DetectionRule::plain)
    patient,    ///< so many points within the window
    burst,      ///< a handful of distinct closed ports within about two seconds, and as many points
    sweep,      ///< one port of many hosts behind us
    ambiguous,  ///< very many ports within a minute, each of which alone could be the tail of something
};
[[nodiscard]] std::string_view name_of(Criterion criterion);

/// One thing to count: about whom, and what.
struct Observation {
    Subject subject;
    Item item;
};
/// The address, two networks around it, and a sweep.
using Observations = boost::container::static_vector<Observation, 4>;

/// What is counted for a probe, the narrowest first: a decision about an address spares its network. Tags of
/// hosts and addresses are hashed with Limits::hash_key.
[[nodiscard]] Observations observations_of(const Probe& probe, const Limits& limits);

/// By which a subject names the one host that it is about.
[[nodiscard]] std::uint32_t tag_of_host(const Address& host, const Limits& limits);

/// What the counts of a subject have come to. For a network it still takes several of its addresses: see
/// sources_among.
[[nodiscard]] std::optional<Criterion> criterion_met(const Subject& subject, const SourceTable::Seen& seen,
                                                     const Limits& limits);

/// The lengths of the networks around an address that may be counted, the narrowest first.
[[nodiscard]] std::span<const std::uint8_t> counted_lengths(Family family);

/// The points that ban this subject; 0: none do.
[[nodiscard]] std::uint32_t threshold_of(const Prefix& who, const Limits& limits);
[[nodiscard]] std::uint32_t threshold_of(Family family, std::uint8_t length, const Limits& limits);

/// What bans a subject within the window (bursts apart), in points; by the plain rule, and of ambiguous
/// packets, in distinct items. 0: nothing does.
[[nodiscard]] std::uint32_t bar_of(const Subject& subject, const Limits& limits);

/// How many addresses (of a /48: /64s) at least tried these items of a network: their kinds are four-bit tags
/// of who did.
[[nodiscard]] std::uint32_t sources_among(const std::vector<Tried>& tried);

}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
// Gathers a report page while captures are judged: every probe passes by once, in any order of time. Pure.
//
// Memory:   some 300 bytes for each of kSourcesMax sources, and the limits of document.hpp; nothing grows
//           with the number of packets. Sources beyond are counted together.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/evidence.hpp"
#include "core/time.hpp"
#include "page/document.hpp"
#include "page/sampler.hpp"
#include "page/timeline.hpp"

namespace farewell::page {

/// On a capture, the core's clock counts from 1970.
[[nodiscard]] WallTime wall_time(core::Time time);

class Collector {
 public:
    static constexpr std::size_t kSourcesMax = std::size_t{1} << 18U;
    static constexpr std::size_t kEvidenceMax = 8192;  ///< bans and near misses kept with their evidence

    /// `key`: a random number that whoever made the capture does not know.
    explicit Collector(std::uint64_t key, std::size_t sources_max = kSourcesMax);

    /// A probe; or a packet that would have been one, had its source not been banned.
    void on_probe(const core::Probe& probe, core::Time at, bool kept_out);
    void on_ban(const core::Prefix& source, Ban ban);
    /// What is held against a source that was never banned.
    void on_near_miss(const core::Address& source, Evidence evidence);
    /// The time that a capture covers.
    void on_span(core::Time first, core::Time last);

    /// Fills in everything that was gathered. Nothing can be added after that.
    void finish(Document& document);

 private:
    struct Note {
        std::int64_t first = 0;  // nanoseconds
        std::int64_t last = 0;
        std::uint64_t probes = 0;
        std::uint64_t packets = 0;  // probes and those kept out
        core::Tools tools = 0;
        std::uint32_t index = 0;  // in order of appearance
    };
    struct Banned {
        std::uint64_t bans = 0;
        std::uint64_t kept_out = 0;
        std::vector<Ban> latest;
    };
    /// What the table may have a line for: a banned source with all addresses in it, or one address.
    struct Row {
        core::Prefix source;
        std::optional<std::int64_t> first;
        std::optional<std::int64_t> last;
        std::uint64_t probes = 0;
        std::uint64_t packets = 0;
        bool is_banned = false;
    };

    [[nodiscard]] Note* note_of(const core::Address& source, core::Time at);
    /// The banned source that an address belongs to, or the address.
    [[nodiscard]] core::Prefix row_of(const core::Address& source) const;
    [[nodiscard]] std::vector<Row> rows() const;
    void fill_rows(Document& document, const std::vector<Row>& rows);
    void fill_raster(Document& document, const std::vector<Row>& rows);
    void fill_lists(Document& document) const;
    void fill_notes(Document& document) const;

    std::size_t sources_max_;
    boost::unordered_flat_map<core::Address, Note, core::KeyedHash> notes_;
    boost::unordered_flat_map<core::Prefix, Banned, core::KeyedHash> banned_;
    boost::unordered_flat_map<core::Address, Evidence, core::KeyedHash> near_misses_;
    boost::unordered_flat_map<std::uint32_t, std::uint64_t> ports_;  // tries, by protocol << 16 | port
    std::array<std::uint64_t, core::kTools> tool_probes_{};
    Sampler sampler_;
    Histogram histogram_;
    std::vector<InForce> in_force_;
    std::vector<std::pair<core::Prefix, Mark>> marks_;
    std::optional<core::Time> begin_;
    core::Time end_;
    std::uint64_t bans_ = 0;
    std::uint64_t soft_bans_ = 0;
    std::uint64_t evidence_kept_ = 0;  // of so many bans
    std::uint64_t unnoted_ = 0;        // packets of sources beyond sources_max_
};

}  // namespace farewell::page

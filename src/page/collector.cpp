// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/collector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/decide.hpp"
#include "page/tally.hpp"
#include "page/text.hpp"
#include "report/address_text.hpp"

namespace farewell::page {
namespace {

/// A point or mark whose source could not be remembered.
constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

std::int64_t nanoseconds(core::Time time) {
    return time.time_since_epoch().count();
}

WallTime wall_time_of(std::int64_t nanoseconds) {
    return wall_time(core::Time(std::chrono::nanoseconds(nanoseconds)));
}

std::string name_of_tool(core::Tool tool) {
    return tool == core::Tool::none ? "none recognised" : std::string(core::name_of(tool));
}

}  // namespace

WallTime wall_time(core::Time time) {
    return WallTime(std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()));
}

Collector::Collector(std::uint64_t key, std::size_t sources_max)
    : sources_max_(sources_max),
      notes_(0, core::KeyedHash{.key = key}),
      banned_(0, core::KeyedHash{.key = key}),
      near_misses_(0, core::KeyedHash{.key = key}) {}

Collector::Note* Collector::note_of(const core::Address& source, core::Time at) {
    auto note = notes_.find(source);
    if (note == notes_.end()) {
        if (notes_.size() >= sources_max_) {
            return nullptr;
        }
        note = notes_.emplace(source, Note()).first;
        note->second.index = static_cast<std::uint32_t>(notes_.size() - 1);
        note->second.first = note->second.last = nanoseconds(at);
    }
    note->second.first = std::min(note->second.first, nanoseconds(at));
    note->second.last = std::max(note->second.last, nanoseconds(at));
    return &note->second;
}

void Collector::on_probe(const core::Probe& probe, core::Time at, bool kept_out) {
    Note* note = note_of(probe.source, at);
    Point point{.at = wall_time(at),
                .port = probe.port.number,
                .protocol = probe.port.protocol,
                .kept_out = kept_out,
                .source = kNobody};
    if (note != nullptr) {
        point.source = note->index;
        note->probes += kept_out ? 0U : 1U;
        note->tools = static_cast<core::Tools>(note->tools | core::bit_of(probe.tool));
    } else {
        ++unnoted_;
    }
    sampler_.add(point, note != nullptr ? note->packets++ : std::numeric_limits<std::uint64_t>::max());
    histogram_.add(point.at, kept_out);
    ++ports_[std::uint32_t{probe.port.protocol} << 16U | probe.port.number];
    if (!kept_out) {
        ++tool_probes_.at(static_cast<std::size_t>(probe.tool));
    }
}

void Collector::on_ban(const core::Prefix& source, Ban ban) {
    ++bans_;
    soft_bans_ += ban.soft ? 1U : 0U;
    in_force_.push_back({.from = ban.at, .to = ban.until});
    if (marks_.size() < kMarksMax) {
        marks_.emplace_back(source, Mark{.at = ban.at, .soft = ban.soft, .source = kNobody});
    }
    Banned& banned = banned_[source];
    ++banned.bans;
    banned.kept_out += ban.kept_out.value_or(0);
    if (evidence_kept_ >= kEvidenceMax) {
        ban.evidence.reset();
    }
    evidence_kept_ += ban.evidence ? 1U : 0U;
    if (banned.latest.size() == kBansListedMax) {
        banned.latest.erase(banned.latest.begin());
    }
    banned.latest.push_back(std::move(ban));
}

void Collector::on_near_miss(const core::Address& source, Evidence evidence) {
    if (near_misses_.size() < kEvidenceMax) {
        near_misses_[source] = std::move(evidence);
    }
}

void Collector::on_span(core::Time first, core::Time last) {
    end_ = begin_ ? std::max(end_, last) : last;
    begin_ = begin_ ? std::min(*begin_, first) : first;
}

core::Prefix Collector::row_of(const core::Address& source) const {
    const core::Prefix own = core::Prefix::of(source);
    if (banned_.contains(own)) {
        return own;
    }
    for (const std::uint8_t length : core::counted_lengths(source.family())) {
        if (const core::Prefix network = core::Prefix::of(source, length); banned_.contains(network)) {
            return network;
        }
    }
    return own;
}

std::vector<Collector::Row> Collector::rows() const {
    boost::unordered_flat_map<core::Prefix, Row, core::KeyedHash> by_source(0, notes_.hash_function());
    for (const auto& [source, banned] : banned_) {
        by_source[source].is_banned = true;
    }
    for (const auto& [address, note] : notes_) {
        Row& row = by_source[row_of(address)];
        row.first = std::min(row.first.value_or(note.first), note.first);
        row.last = std::max(row.last.value_or(note.last), note.last);
        row.probes += note.probes;
        row.packets += note.packets;
    }
    std::vector<Row> rows;
    rows.reserve(by_source.size());
    for (auto& [source, row] : by_source) {
        row.source = source;
        rows.push_back(row);
    }
    std::ranges::sort(rows, [](const Row& one, const Row& other) {
        return std::tie(other.is_banned, other.packets, one.source) <
               std::tie(one.is_banned, one.packets, other.source);
    });
    return rows;
}

void Collector::fill_rows(Document& document, const std::vector<Row>& rows) {
    const std::size_t shown = std::min(rows.size(), kRowsMax);
    for (std::size_t i = 0; i < shown; ++i) {
        const Row& row = rows[i];
        Source source{.name = report::to_text(row.source),
                      .first = {},
                      .last = {},
                      .probes = row.probes,
                      .kept_out = {},
                      .bans_total = 0,
                      .bans = {},
                      .evidence = {}};
        if (row.first && row.last) {
            source.first = wall_time_of(*row.first);
            source.last = wall_time_of(*row.last);
        }
        if (const auto banned = banned_.find(row.source); banned != banned_.end()) {
            source.bans_total = banned->second.bans;
            source.kept_out = banned->second.kept_out;
            source.bans = std::move(banned->second.latest);
        } else if (const auto miss = near_misses_.find(row.source.address); miss != near_misses_.end()) {
            source.evidence = std::move(miss->second);
        }
        document.sources.push_back(std::move(source));
    }
    document.sources_left_out = rows.size() - shown;
    document.sources_banned = banned_.size();
}

void Collector::fill_raster(Document& document, const std::vector<Row>& rows) {
    boost::unordered_flat_map<core::Prefix, std::uint32_t, core::KeyedHash> places(0, notes_.hash_function());
    const auto place_of = [&](const core::Prefix& source) {
        const auto [place, is_new] =
            places.emplace(source, static_cast<std::uint32_t>(document.names.size()));
        if (is_new) {
            document.names.push_back(report::to_text(source));
        }
        return place->second;
    };
    for (std::size_t i = 0; i < document.sources.size(); ++i) {
        static_cast<void>(place_of(rows[i].source));
    }
    std::vector<core::Address> by_index(notes_.size());
    for (const auto& [address, note] : notes_) {
        by_index[note.index] = address;
    }
    std::optional<std::uint32_t> nobody;
    document.points_total = sampler_.seen();
    document.points = sampler_.take();
    for (Point& point : document.points) {
        if (point.source != kNobody) {
            point.source = place_of(row_of(by_index[point.source]));
            continue;
        }
        if (!nobody) {
            nobody = static_cast<std::uint32_t>(document.names.size());
            document.names.emplace_back("one of the sources not told apart");
        }
        point.source = *nobody;
    }
    for (auto& [source, mark] : marks_) {
        mark.source = place_of(source);
        document.marks.push_back(mark);
    }
    std::ranges::stable_sort(document.marks, {}, &Mark::at);
}

void Collector::fill_lists(Document& document) const {
    struct Members {
        std::uint64_t sources = 0;
        std::uint64_t banned = 0;
        std::uint64_t probes = 0;
    };
    boost::unordered_flat_map<core::Prefix, Members, core::KeyedHash> networks(0, notes_.hash_function());
    std::array<Members, core::kTools> tools{};
    for (const auto& [address, note] : notes_) {
        const std::uint64_t is_banned = banned_.contains(row_of(address)) ? 1 : 0;
        const auto count = [&](Members& members) {
            ++members.sources;
            members.banned += is_banned;
        };
        for (const core::Prefix& network : networks_of(core::Prefix::of(address))) {
            Members& members = networks[network];
            count(members);
            members.probes += note.probes;
        }
        for (std::size_t tool = 1; tool < core::kTools; ++tool) {
            if ((note.tools & core::bit_of(static_cast<core::Tool>(tool))) != 0) {
                count(tools.at(tool));
            }
        }
        if (note.tools == 0) {
            count(tools[0]);
        }
    }
    for (const auto& [network, members] : networks) {
        document.networks.push_back({.name = report::to_text(network),
                                     .sources = members.sources,
                                     .banned = members.banned,
                                     .probes = members.probes});
    }
    for (std::size_t tool = 0; tool < core::kTools; ++tool) {
        if (tools.at(tool).sources > 0 || tool_probes_.at(tool) > 0) {
            document.tools.push_back({.name = name_of_tool(static_cast<core::Tool>(tool)),
                                      .sources = tools.at(tool).sources,
                                      .banned = tools.at(tool).banned,
                                      .probes = tool_probes_.at(tool)});
        }
    }
    for (const auto& [port, probes] : ports_) {
        document.ports.push_back(
            {.name = report::to_text(core::Port{.protocol = static_cast<std::uint8_t>(port >> 16U),
                                                .number = static_cast<std::uint16_t>(port & 0xffffU)}),
             .sources = {},
             .banned = {},
             .probes = probes});
    }
    document.tools = largest(std::move(document.tools));
    document.networks = largest(std::move(document.networks));
    document.ports = largest(std::move(document.ports));
}

void Collector::fill_notes(Document& document) const {
    if (document.sources_left_out > 0) {
        document.notes.push_back(
            fmt::format("The table has the {} sources that were banned or busiest; {} more are only counted.",
                        grouped(document.sources.size()), grouped(document.sources_left_out)));
    }
    if (unnoted_ > 0) {
        document.notes.push_back(fmt::format(
            "More than {} sources sent probes. {} packets of those beyond are counted, but not told apart.",
            grouped(sources_max_), grouped(unnoted_)));
    }
    if (evidence_kept_ >= kEvidenceMax) {
        document.notes.push_back(
            fmt::format("The evidence of the first {} bans is kept; those after it are told without.",
                        grouped(kEvidenceMax)));
    }
    if (bans_ > marks_.size()) {
        document.notes.push_back(
            fmt::format("The first {} bans are marked on the raster.", grouped(kMarksMax)));
    }
}

void Collector::finish(Document& document) {
    const std::vector<Row> sorted = rows();
    fill_rows(document, sorted);
    fill_raster(document, sorted);
    fill_lists(document);
    if (unnoted_ == 0) {
        document.sources_seen = notes_.size();
    }
    document.bans = bans_;
    document.soft_bans = soft_bans_;
    if (begin_) {
        document.begin = wall_time(*begin_);
        document.end = wall_time(end_);
        document.timeline = histogram_.timeline(*document.begin, *document.end, in_force_);
    }
    fill_notes(document);
}

}  // namespace farewell::page

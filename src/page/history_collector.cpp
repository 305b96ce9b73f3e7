// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/history_collector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/classify.hpp"
#include "page/tally.hpp"
#include "page/text.hpp"
#include "report/address_text.hpp"

namespace farewell::page {
namespace {

using nlohmann::json;

/// Of a member of an object; nullopt without it.
std::optional<WallTime> time_of(const json& object, const char* name) {
    return parse_stamp(object.value(name, ""));
}

Evidence evidence_of(const json& event) {
    const json evidence = event.value("evidence", json::object());
    Evidence told{.criterion = evidence.value("criterion", ""),
                  .ports = {},
                  .distinct = evidence.value("distinct", std::uint64_t{0}),
                  .points = evidence.value("points", 0.0),
                  .tools = evidence.value("tools", std::vector<std::string>{}),
                  .could_be_forged = evidence.value("could_be_forged", true),
                  .ttl = {},
                  .companions = evidence.value("companions", std::vector<std::string>{})};
    if (evidence.contains("ttl")) {
        told.ttl = evidence.value("ttl", std::uint64_t{0});
    }
    for (const json& port : event.value("ports", json::array())) {
        const auto seen = time_of(port, "seen");
        if (seen && told.ports.size() < kListedMax) {
            told.ports.push_back({.port = port.value("port", "?"),
                                  .seen = *seen,
                                  .kind = port.value("kind", ""),
                                  .points = port.contains("points") ? std::optional(port.value("points", 0.0))
                                                                    : std::nullopt});
        }
    }
    return told;
}

/// "tcp/443" as numbers; nullopt for what the raster has no place for.
std::optional<core::Port> port_of(const std::string& text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) {
        return std::nullopt;
    }
    const std::string protocol = text.substr(0, slash);
    unsigned number = 0;
    for (const char digit : text.substr(slash + 1)) {
        if (digit < '0' || digit > '9' || number > std::numeric_limits<std::uint16_t>::max()) {
            return std::nullopt;
        }
        number = number * 10 + static_cast<unsigned>(digit - '0');
    }
    if (number > std::numeric_limits<std::uint16_t>::max()) {
        return std::nullopt;
    }
    static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 3> kProtocols{
        {{"tcp", 6}, {"udp", 17}, {"sctp", 132}}};
    const auto* const known =
        std::ranges::find(kProtocols, protocol, &std::pair<std::string_view, std::uint8_t>::first);
    if (known != kProtocols.end()) {
        return core::Port{.protocol = known->second, .number = static_cast<std::uint16_t>(number)};
    }
    return number <= 255
               ? std::optional(core::Port{.protocol = static_cast<std::uint8_t>(number), .number = 0})
               : std::nullopt;
}

std::vector<Tally> by_sources(const std::map<std::string, std::set<std::uint32_t>>& sources) {
    std::vector<Tally> tallies;
    tallies.reserve(sources.size());
    for (const auto& [name, of] : sources) {
        tallies.push_back({.name = name, .sources = of.size(), .banned = {}, .probes = {}});
    }
    return largest(std::move(tallies));
}

}  // namespace

HistoryCollector::History& HistoryCollector::history_of(const std::string& source) {
    const auto [history, is_new] = sources_.try_emplace(source);
    if (is_new) {
        history->second.index = static_cast<std::uint32_t>(names_.size());
        names_.push_back(source);
    }
    return history->second;
}

void HistoryCollector::on_ban_in_force(const json& ban) {
    History& history = history_of(ban.value("source", "?"));
    history.in_force_since = time_of(ban, "since");
    if (ban.contains("packets")) {
        history.packets = ban.value("packets", std::uint64_t{0});
    }
}

void HistoryCollector::on_event(const json& event) {
    const auto at = time_of(event, "at");
    const std::string kind = event.value("event", "");
    oldest_ = at.value_or(oldest_);
    if (!at || (kind != "ban" && kind != "unban")) {
        return;
    }
    History& history = history_of(event.value("source", "?"));
    if (kind == "ban") {
        on_ban(history, event, *at);
    }
    history.next = Next{.at = *at, .is_unban = kind == "unban", .reason = event.value("reason", "")};
}

void HistoryCollector::on_ban(History& history, const json& event, WallTime at) {
    Ban ban{.at = at,
            .until = time_of(event, "until").value_or(at),
            .soft = event.value("soft", false),
            .observed = event.value("observed", false),
            .reason = event.value("reason", ""),
            .note = event.value("note", ""),
            .ended = "",
            .kept_out = {},
            .evidence = {}};
    if (history.next && history.next->at < ban.until) {
        ban.until = history.next->at;
        if (history.next->is_unban && history.next->reason != "expired") {
            ban.ended = history.next->reason;
        }
    }
    if (!history.next) {
        ban.kept_out = history.packets;  // the ban in force now is the latest
    }
    Evidence evidence = evidence_of(event);
    ++bans_;
    soft_bans_ += ban.soft ? 1U : 0U;
    ++history.bans_total;
    in_force_.push_back({.from = ban.at, .to = ban.until});
    if (marks_.size() < kMarksMax) {
        marks_.push_back({.at = ban.at, .soft = ban.soft, .source = history.index});
    }
    count(history, evidence);
    if (history.latest.size() >= kBansListedMax) {
        return;
    }
    if (!evidence.ports.empty() && evidence_kept_ < kEvidenceMax) {
        ++evidence_kept_;
        ban.evidence = std::move(evidence);
    }
    history.latest.push_back(std::move(ban));
}

void HistoryCollector::count(History& history, const Evidence& evidence) {
    if (evidence.ports.empty()) {
        return;  // banned by hand
    }
    for (const std::string& tool : evidence.tools) {
        tools_[tool].insert(history.index);
    }
    if (evidence.tools.empty()) {
        tools_["none recognised"].insert(history.index);
    }
    for (const TriedPort& tried : evidence.ports) {
        ports_[tried.port].insert(history.index);
        history.first = std::min(history.first.value_or(tried.seen), tried.seen);
        history.last = std::max(history.last.value_or(tried.seen), tried.seen);
        const auto port = port_of(tried.port);
        if (tried.seen < begin_ || !port) {
            tried_before_ += tried.seen < begin_ ? 1U : 0U;
            continue;
        }
        sampler_.add({.at = tried.seen,
                      .port = port->number,
                      .protocol = port->protocol,
                      .kept_out = false,
                      .source = history.index},
                     history.tried++);
        histogram_.add(tried.seen, false);
    }
}

void HistoryCollector::on_remark(const json& event, std::string text) {
    ++remarks_total_;
    if (event.value("event", "") == "imported") {
        imported_ += event.value("bans", std::uint64_t{0});
    }
    if (const auto at = time_of(event, "at"); at && remarks_.size() < kNotesMax) {
        remarks_.push_back({.at = *at, .text = std::move(text)});
    }
}

void HistoryCollector::on_cut(std::size_t events) {
    cut_after_ = events;
    begin_ = std::max(begin_, oldest_);
}

std::vector<InForce> HistoryCollector::without_event() {
    std::vector<InForce> bans;
    for (const auto& [name, history] : sources_) {
        // Its first event within our time ended a ban that began before, unless that came out of a list.
        const bool was_ended = history.next && history.next->is_unban && imported_ == 0;
        const bool is_older = history.in_force_since && *history.in_force_since < begin_;
        const bool is_imported = history.in_force_since && !history.next && !is_older;
        if (was_ended || is_older || is_imported) {
            bans.push_back({.from = is_imported ? *history.in_force_since : begin_,
                            .to = history.next ? history.next->at : WallTime::max()});
            bans_from_before_ += is_imported ? 0U : 1U;
        }
    }
    return bans;
}

void HistoryCollector::fill_sources(Document& document) {
    std::vector<std::map<std::string, History>::iterator> banned;
    for (auto source = sources_.begin(); source != sources_.end(); ++source) {
        if (source->second.bans_total > 0) {
            banned.push_back(source);
        }
    }
    document.sources_banned = banned.size();
    std::ranges::sort(banned, [](const auto& one, const auto& other) {
        return std::tie(other->second.bans_total, other->second.tried, one->first) <
               std::tie(one->second.bans_total, one->second.tried, other->first);
    });
    // Those with a row are named first.
    std::vector<std::uint32_t> place(names_.size(), std::numeric_limits<std::uint32_t>::max());
    const auto place_of = [&](std::uint32_t index) {
        if (place[index] == std::numeric_limits<std::uint32_t>::max()) {
            place[index] = static_cast<std::uint32_t>(document.names.size());
            document.names.push_back(names_[index]);
        }
        return place[index];
    };
    const std::size_t shown = std::min(banned.size(), kRowsMax);
    document.sources_left_out = banned.size() - shown;
    for (std::size_t i = 0; i < shown; ++i) {
        History& history = banned[i]->second;
        static_cast<void>(place_of(history.index));
        std::ranges::reverse(history.latest);
        document.sources.push_back({.name = banned[i]->first,
                                    .first = history.first,
                                    .last = history.last,
                                    .probes = {},
                                    .kept_out = history.packets,
                                    .bans_total = history.bans_total,
                                    .bans = std::move(history.latest),
                                    .evidence = {}});
    }
    document.points_total = sampler_.seen();
    document.points = sampler_.take();
    for (Point& point : document.points) {
        point.source = place_of(point.source);
    }
    for (Mark& mark : marks_) {
        mark.source = place_of(mark.source);
    }
    document.marks = std::move(marks_);
    std::ranges::stable_sort(document.marks, {}, &Mark::at);
}

void HistoryCollector::fill_lists(Document& document) const {
    std::map<std::string, std::set<std::uint32_t>> networks;
    for (const auto& [name, history] : sources_) {
        const auto source = report::parse_prefix(name);
        if (!source || history.bans_total == 0) {
            continue;
        }
        for (const core::Prefix& network : networks_of(*source)) {
            networks[report::to_text(network)].insert(history.index);
        }
    }
    document.networks = by_sources(networks);
    document.tools = by_sources(tools_);
    document.ports = by_sources(ports_);
}

void HistoryCollector::fill_notes(Document& document) const {
    document.notes.emplace_back(
        "The history keeps bans with their evidence: of each port the last try, and no more than 64 ports a "
        "ban. "
        "What sources tried that were never banned, and what came after a ban, is not in it.");
    if (cut_after_ > 0) {
        document.notes.push_back(
            fmt::format("There is more: only the latest {} events are told.", grouped(cut_after_)));
    }
    if (bans_from_before_ > 0) {
        document.notes.push_back(fmt::format(
            "{} from before were in force at the beginning; they count as active, and are not in the table.",
            counted(bans_from_before_, "ban", "bans")));
    }
    if (imported_ > 0) {
        document.notes.push_back(fmt::format(
            "{} came out of lists. The history does not keep them one by one: they are not in the "
            "table, and count as active only while they are in force.",
            counted(imported_, "ban", "bans")));
    }
    if (tried_before_ > 0) {
        document.notes.push_back(fmt::format(
            "{} tried before the beginning: in the evidence of their bans, and not on the raster.",
            counted(tried_before_, "port was", "ports were")));
    }
    if (document.sources_left_out > 0) {
        document.notes.push_back(
            fmt::format("The table has the {} sources banned most often; {} more are only counted.",
                        grouped(kRowsMax), grouped(document.sources_left_out)));
    }
    if (evidence_kept_ >= kEvidenceMax) {
        document.notes.push_back(
            fmt::format("The evidence of the latest {} bans is kept; those before are told without.",
                        grouped(kEvidenceMax)));
    }
    if (bans_ > document.marks.size()) {
        document.notes.push_back(
            fmt::format("The latest {} bans are marked on the raster.", grouped(kMarksMax)));
    }
    if (remarks_total_ > remarks_.size()) {
        document.notes.push_back(fmt::format("Of {} other events the latest {} are told.",
                                             grouped(remarks_total_), grouped(remarks_.size())));
    }
}

void HistoryCollector::finish(Document& document) {
    const std::vector<InForce> others = without_event();
    in_force_.insert(in_force_.end(), others.begin(), others.end());
    document.bans = bans_;
    document.soft_bans = soft_bans_;
    document.begin = begin_;
    document.end = end_;
    document.timeline = histogram_.timeline(begin_, end_, in_force_);
    document.timeline.kept_out.clear();
    fill_sources(document);
    fill_lists(document);
    std::ranges::reverse(remarks_);
    document.remarks = remarks_;
    fill_notes(document);
}

}  // namespace farewell::page

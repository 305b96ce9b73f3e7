// SPDX-License-Identifier: GPL-2.0-or-later
// Gathers a report page from the daemon's own documents: farewell/event/v1 from the latest to the oldest, and
// the bans in force now. Pure.
//
// Memory:   some hundred bytes for each banned source, and the limits of document.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "page/document.hpp"
#include "page/sampler.hpp"
#include "page/timeline.hpp"

namespace farewell::page {

class HistoryCollector {
 public:
    HistoryCollector(WallTime begin, WallTime end) : begin_(begin), end_(end) {}

    static constexpr std::size_t kEvidenceMax = 8192;  ///< bans kept with their evidence

    /// A ban in force now, one of farewell/bans/v1. All of them before the first event.
    void on_ban_in_force(const nlohmann::json& ban);
    /// The latest first. Kinds other than bans and unbans are left to on_remark.
    void on_event(const nlohmann::json& event);
    void on_remark(const nlohmann::json& event, std::string text);
    /// There are older events, which will not come.
    void on_cut(std::size_t events);

    /// Fills in everything that was gathered. Nothing can be added after that.
    void finish(Document& document);

 private:
    /// What ended a ban: the next one of its source, or its unban.
    struct Next {
        WallTime at;
        bool is_unban = false;
        std::string reason;
    };
    struct History {
        std::uint32_t index = 0;  // in order of appearance
        std::uint64_t bans_total = 0;
        std::uint64_t tried = 0;  // ports, in all evidence
        std::vector<Ban> latest;  // the latest first
        std::optional<Next> next;
        std::optional<WallTime> in_force_since;  // one that is in force now
        std::optional<std::uint64_t> packets;    // that it has kept out
        std::optional<WallTime> first;           // port tried
        std::optional<WallTime> last;
    };

    [[nodiscard]] History& history_of(const std::string& source);
    void on_ban(History& history, const nlohmann::json& event, WallTime at);
    void count(History& history, const Evidence& evidence);
    /// In force within our time, with no event to tell so: from before, or imported.
    [[nodiscard]] std::vector<InForce> without_event();
    void fill_sources(Document& document);
    void fill_lists(Document& document) const;
    void fill_notes(Document& document) const;

    WallTime begin_;
    WallTime end_;
    std::map<std::string, History> sources_;
    std::vector<std::string> names_;  // of sources, by index
    Sampler sampler_;
    Histogram histogram_;
    std::vector<InForce> in_force_;
    std::vector<Mark> marks_;
    std::map<std::string, std::set<std::uint32_t>> tools_;  // of which sources
    std::map<std::string, std::set<std::uint32_t>> ports_;
    std::vector<Remark> remarks_;
    std::uint64_t remarks_total_ = 0;
    std::uint64_t bans_ = 0;
    std::uint64_t soft_bans_ = 0;
    std::uint64_t bans_from_before_ = 0;
    std::uint64_t imported_ = 0;
    std::uint64_t evidence_kept_ = 0;
    std::uint64_t tried_before_ = 0;  // ports, before begin_
    WallTime oldest_;                 // of the events that have come
    std::size_t cut_after_ = 0;       // so many of them; 0: all have come
};

}  // namespace farewell::page

// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/data_block.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace farewell::page {
namespace {

using nlohmann::json;

/// Dots need less than a millisecond: masscan sends several in one.
constexpr std::chrono::microseconds kTick{100};

std::int64_t milliseconds(WallTime time) {
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

template <typename Value>
json optional(const std::optional<Value>& value) {
    return value ? json(*value) : json();
}

/// Columns are smaller than objects, and differences smaller than times.
json points_part(const Document& document) {
    json ticks = json::array();
    json ports = json::array();
    json protocols = json::array();
    json sources = json::array();
    json kept_out = json::array();
    const WallTime begin = document.begin.value_or(WallTime());
    std::int64_t before = 0;
    for (const Point& point : document.points) {
        const std::int64_t tick = (point.at - begin) / kTick;
        ticks.push_back(tick - before);
        before = tick;
        ports.push_back(point.port);
        protocols.push_back(point.protocol);
        sources.push_back(point.source);
        kept_out.push_back(point.kept_out ? 1 : 0);
    }
    return {{"tick", std::move(ticks)},         {"port", std::move(ports)},
            {"protocol", std::move(protocols)}, {"source", std::move(sources)},
            {"kept_out", std::move(kept_out)},  {"total", document.points_total}};
}

json marks_part(const Document& document) {
    json marks = json::array();
    for (const Mark& mark : document.marks) {
        marks.push_back({milliseconds(mark.at), mark.source, mark.soft ? 1 : 0});
    }
    return marks;
}

json timeline_part(const Timeline& timeline) {
    return {{"begin", milliseconds(timeline.begin)},
            {"width", timeline.width.count()},
            {"probes", timeline.probes},
            {"kept_out", timeline.kept_out},
            {"active", timeline.active}};
}

/// The evidence of all rows, as far as there is room for it.
class Details {
 public:
    /// `begin`: of the page, in milliseconds.
    explicit Details(std::int64_t begin) : begin_(begin) {}

    json of(const Source& source) {
        json bans = json::array();
        for (const Ban& ban : source.bans) {
            bans.push_back({{"at", milliseconds(ban.at)},
                            {"until", milliseconds(ban.until)},
                            {"soft", ban.soft},
                            {"observed", ban.observed},
                            {"reason", ban.reason},
                            {"note", ban.note},
                            {"ended", ban.ended},
                            {"kept_out", optional(ban.kept_out)},
                            {"evidence", ban.evidence ? of(*ban.evidence) : json()}});
        }
        return {{"bans", std::move(bans)},
                {"bans_total", source.bans_total},
                {"evidence", source.evidence ? of(*source.evidence) : json()}};
    }

 private:
    json of(const Evidence& evidence) {
        const std::size_t room = kListedInAllMax - std::min(kListedInAllMax, listed_);
        const std::size_t shown = std::min({evidence.ports.size(), kListedMax, room});
        json ports = json::array();
        for (std::size_t i = 0; i < shown; ++i) {
            const TriedPort& tried = evidence.ports[i];
            ports.push_back(
                {tried.port, milliseconds(tried.seen) - begin_, tried.kind, optional(tried.points)});
        }
        listed_ += shown;
        json companions = json::array();
        for (std::size_t i = 0; i < std::min(evidence.companions.size(), kListedMax); ++i) {
            companions.push_back(evidence.companions[i]);
        }
        return {{"criterion", evidence.criterion},     {"distinct", evidence.distinct},
                {"points", evidence.points},           {"tools", evidence.tools},
                {"forged", evidence.could_be_forged},  {"ttl", optional(evidence.ttl)},
                {"companions", std::move(companions)}, {"ports", std::move(ports)}};
    }

    std::int64_t begin_;
    std::size_t listed_ = 0;
};

}  // namespace

json data_block(const Document& document) {
    Details details(milliseconds(document.begin.value_or(WallTime())));
    json sources = json::array();
    for (const Source& source : document.sources) {
        sources.push_back(details.of(source));
    }
    return {{"begin", document.begin ? json(milliseconds(*document.begin)) : json()},
            {"end", document.end ? json(milliseconds(*document.end)) : json()},
            {"utc_offset_minutes", document.utc_offset.count()},
            {"names", document.names},
            {"sources", std::move(sources)},
            {"points", points_part(document)},
            {"marks", marks_part(document)},
            {"timeline", timeline_part(document.timeline)},
            {"from_history", document.origin == Origin::history}};
}

}  // namespace farewell::page

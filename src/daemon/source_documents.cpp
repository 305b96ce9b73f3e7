// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/source_documents.hpp"

#include <nlohmann/json.hpp>

#include "daemon/clock.hpp"
#include "report/address_text.hpp"

namespace farewell::daemon {

using nlohmann::json;

json source_part(const core::SourceStanding& standing, core::DetectionRule rule) {
    json ports = json::array();
    for (const core::Port& port : standing.ports) {
        ports.push_back(report::to_text(port));
    }
    const bool is_sweep = standing.counted == core::Counted::hosts;
    return {{"source", report::to_text(standing.source)},
            {"prefix_length", standing.source.length},
            {"counted", is_sweep ? "hosts" : "ports"},
            {"distinct", standing.distinct},
            {"points", rule == core::DetectionRule::plain ? static_cast<double>(standing.distinct)
                                                          : core::points(standing.weight)},
            {"threshold", standing.threshold},
            {"share", standing.share},
            {"ports", std::move(ports)},
            {"seen", timestamp(standing.last)},
            {"tools", core::names_of(standing.tools)},
            {"ttl", standing.ttl},
            {"could_be_forged", !standing.is_proven}};
}

json sources_document(const std::vector<core::SourceStanding>& standings, std::size_t tracked,
                      core::DetectionRule rule) {
    json list = json::array();
    for (const core::SourceStanding& standing : standings) {
        list.push_back(source_part(standing, rule));
    }
    return {{"schema", "farewell/sources/v1"}, {"tracked", tracked}, {"sources", std::move(list)}};
}

}  // namespace farewell::daemon

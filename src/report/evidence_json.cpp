// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/evidence_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::report {

using nlohmann::json;

json ports_to_json(const std::vector<core::TriedPort>& ports, const WallClock& wall_clock, std::size_t most) {
    json list = json::array();
    for (std::size_t i = 0; i < std::min(ports.size(), most); ++i) {
        const core::TriedPort& tried = ports[i];
        list.push_back({{"port", to_text(tried.port)},
                        {"points", core::points(tried.weight)},
                        {"seen", to_rfc3339(wall_clock(tried.seen))}});
        if (tried.rule) {
            list.back()["kind"] = core::name_of(*tried.rule);
        }
    }
    return list;
}

json evidence_to_json(const core::Evidence& evidence, std::size_t most) {
    json companions = json::array();
    for (std::size_t i = 0; i < std::min(evidence.companions.size(), most); ++i) {
        companions.push_back(to_text(evidence.companions[i]));
    }
    json wider = json::array();
    for (const core::WiderNetwork& network : evidence.wider) {
        wider.push_back({{"source", to_text(network.network)},
                         {"points", core::points(network.weight)},
                         {"threshold", network.threshold}});
    }
    json document{
        {"criterion", core::name_of(evidence.criterion)},
        {"distinct", evidence.distinct},
        {"points", core::points(evidence.weight)},
        {"tools", core::names_of(evidence.tools)},
        {"ttl", evidence.ttl},
        {"could_be_forged", !evidence.is_proven},
        {"companions", std::move(companions)},
        {"sources_at_least", evidence.sources_at_least},
        {"wider", std::move(wider)},
    };
    if (evidence.tcp) {
        document["tcp"] = {{"window", evidence.tcp->window}, {"option_bytes", evidence.tcp->option_bytes}};
    }
    if (!evidence.interface.empty()) {
        document["interface"] = evidence.interface;
    }
    return document;
}

}  // namespace farewell::report

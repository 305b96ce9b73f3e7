// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/allow_methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "daemon/control_answer.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {
namespace {

using nlohmann::json;
namespace error = report::control::error;

json configured_part(const core::Prefix& network) {
    return {{"network", report::to_text(network)}, {"from", "configuration"}};
}

json by_hand_part(const AllowedNetwork& entry) {
    json part{{"network", report::to_text(entry.network)},
              {"from", "hand"},
              {"since", report::to_rfc3339(entry.since)}};
    if (!entry.note.empty()) {
        part["note"] = entry.note;
    }
    return part;
}

/// Whom this host never bans for what they are.
json protected_part(const core::Knowledge& knowledge) {
    const core::Knowledge::Facts& facts = knowledge.facts();
    json list = json::array();
    for (const auto* addresses :
         {&facts.own_addresses, &facts.gateways, &facts.resolvers, &facts.session_peers}) {
        for (const core::Address& address : *addresses) {
            list.push_back({{"address", report::to_text(address)}, {"as", knowledge.protected_as(address)}});
        }
    }
    return list;
}

/// A network may be wider than any ban.
std::expected<core::Prefix, json> network_of(const json& parameters) {
    const auto network = report::parse_prefix(text_of(parameters, "source").value_or(""));
    if (!network) {
        return std::unexpected(
            failure(error::kInvalidParameter,
                    fmt::format("source must be an address or a network without host bits, got {}",
                                parameters.value("source", json("nothing")).dump())));
    }
    return *network;
}

}  // namespace

AllowMethods::AllowMethods(EngineLoop& loop, AllowlistFile& by_hand,
                           std::function<const std::vector<core::Prefix>&()> configured)
    : loop_(loop), by_hand_(by_hand), configured_(std::move(configured)) {}

std::vector<core::Prefix> AllowMethods::networks() const {
    return with_networks(configured_(), by_hand_);
}

json AllowMethods::entry_of(const core::Address& address) const {
    const auto has = [&address](const core::Prefix& network) { return network.contains(address); };
    const std::vector<core::Prefix>& configured = configured_();
    if (const auto found = std::ranges::find_if(configured, has); found != configured.end()) {
        return configured_part(*found);
    }
    const auto& by_hand = by_hand_.networks();
    const auto found = std::ranges::find_if(by_hand, has, &AllowedNetwork::network);
    return found != by_hand.end() ? by_hand_part(*found) : json();
}

void AllowMethods::list(ControlServer::Answer answer) {
    json networks = json::array();
    for (const core::Prefix& network : configured_()) {
        networks.push_back(configured_part(network));
    }
    for (const AllowedNetwork& entry : by_hand_.networks()) {
        networks.push_back(by_hand_part(entry));
    }
    loop_.post([networks = std::move(networks), answer = std::move(answer)](EngineLoop& loop) mutable {
        answer(answer_of({{"schema", "farewell/allowlist/v1"},
                          {"networks", std::move(networks)},
                          {"protected", protected_part(loop.engine().knowledge())}}));
    });
}

void AllowMethods::add(const json& parameters, ControlServer::Answer answer) {
    const auto network = network_of(parameters);
    if (!network) {
        answer(network.error());
        return;
    }
    const bool is_configured = std::ranges::find(configured_(), *network) != configured_().end();
    const auto added = is_configured ? std::expected<bool, std::string>(false)
                                     : by_hand_.add({.network = *network,
                                                     .since = std::chrono::floor<std::chrono::seconds>(
                                                         std::chrono::system_clock::now()),
                                                     .note = text_of(parameters, "note").value_or("")});
    if (!added) {
        answer(failure(error::kFailed, added.error()));
        return;
    }
    put_in_force(
        {{"schema", "farewell/allow/v1"}, {"source", report::to_text(*network)}, {"already", !*added}},
        std::move(answer));
}

void AllowMethods::remove(const json& parameters, ControlServer::Answer answer) {
    const auto network = network_of(parameters);
    if (!network) {
        answer(network.error());
        return;
    }
    const std::string name = report::to_text(*network);
    const auto removed = by_hand_.remove(*network);
    if (!removed) {
        answer(failure(error::kFailed, removed.error()));
        return;
    }
    if (!*removed && std::ranges::find(configured_(), *network) != configured_().end()) {
        answer(
            failure(error::kRefused,
                    fmt::format("{} stands in the configuration: take it out of allow.networks there, then "
                                "farewell reload",
                                name)));
        return;
    }
    json document{{"schema", "farewell/disallow/v1"}, {"source", name}, {"already", !*removed}};
    if (const json around = entry_of(network->address); !around.is_null()) {
        document["covered_by"] = around.at("network");
    }
    put_in_force(std::move(document), std::move(answer));
}

/// Answers when the kernel knows it, too.
void AllowMethods::put_in_force(json document, ControlServer::Answer answer) {
    loop_.post([networks = networks(), document = std::move(document),
                answer = std::move(answer)](EngineLoop& loop) mutable {
        const std::size_t bans = loop.engine().bans_wanted();
        if (auto applied = loop.reconfigure(loop.engine().limits(), networks); !applied) {
            answer(
                failure(error::kFailed,
                        fmt::format("the allowlist is changed, but the kernel does not follow yet and will "
                                    "be asked again: {}",
                                    applied.error().message)));
            return;
        }
        document["bans_lifted"] = bans - std::min(bans, loop.engine().bans_wanted());
        answer(answer_of(std::move(document)));
    });
}

}  // namespace farewell::daemon

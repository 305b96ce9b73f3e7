// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control_answer.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "report/address_text.hpp"
#include "report/control_protocol.hpp"

namespace farewell::daemon {

using nlohmann::json;

json answer_of(json parameters) {
    return {{"parameters", std::move(parameters)}};
}

json failure(std::string_view name, std::string message) {
    return {{"error", name}, {"parameters", {{"message", std::move(message)}}}};
}

std::optional<std::string> text_of(const json& parameters, const char* name) {
    const auto found = parameters.find(name);
    if (found == parameters.end() || !found->is_string()) {
        return std::nullopt;
    }
    return found->get<std::string>();
}

std::expected<core::Prefix, json> source_of(const json& parameters) {
    const auto text = text_of(parameters, "source");
    if (!text) {
        return std::unexpected(failure(report::control::error::kInvalidParameter,
                                       fmt::format("source must be an address or a prefix, got {}",
                                                   parameters.value("source", json("nothing")).dump())));
    }
    const auto source = report::parse_source(*text);
    if (!source) {
        return std::unexpected(failure(report::control::error::kInvalidParameter, source.error()));
    }
    return *source;
}

std::optional<std::string> refusal_text(const core::Knowledge& knowledge, const core::Prefix& source,
                                        core::OrderResult result) {
    const std::string name = report::to_text(source);
    switch (result) {
        case core::OrderResult::allowlisted:
            return fmt::format("{} is on the allowlist, or some of it is (farewell allow list)", name);
        case core::OrderResult::protected_address: {
            const auto address = knowledge.protected_in(source);
            return fmt::format("{} is never banned: {} is this host's {}", name,
                               address ? report::to_text(*address) : name,
                               address ? knowledge.protected_as(*address) : "own");
        }
        case core::OrderResult::martian:
            return fmt::format(
                "{} is, or holds, a loopback, unspecified, multicast or broadcast address, or all of a link",
                name);
        case core::OrderResult::no_length:
            return fmt::format("{} is of a length that cannot be banned", name);
        case core::OrderResult::full:
            return "there are as many bans as farewell may hold";
        case core::OrderResult::done:
        case core::OrderResult::already:
        case core::OrderResult::not_banned:
        case core::OrderResult::covered:
            break;
    }
    return std::nullopt;
}

bool is_ban_duration(std::chrono::nanoseconds duration) {
    return duration >= std::chrono::seconds(1) && duration <= kBanDurationMax;
}

std::string note_of(std::string_view text) {
    std::string note;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        note += byte < 0x20 || byte == 0x7f ? ' ' : letter;
    }
    if (note.size() > kNoteBytesMax) {
        std::size_t end = kNoteBytesMax;
        while (end > 0 && (static_cast<unsigned char>(note[end]) & 0xc0U) == 0x80U) {
            --end;  // no character is cut in two
        }
        note.resize(end);
    }
    return note;
}

}  // namespace farewell::daemon

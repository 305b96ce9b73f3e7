// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control_methods.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "daemon/clock.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {
namespace {

using core::OrderResult;
using nlohmann::json;
namespace error = report::control::error;
namespace method = report::control::method;

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

std::optional<core::Address> address_of(const json& parameters) {
    const auto text = text_of(parameters, "address");
    return text ? report::parse_address(*text) : std::nullopt;
}

json no_address(const json& parameters) {
    return failure(error::kInvalidParameter,
                   fmt::format("address must be one IPv4 or IPv6 address, got {}",
                               parameters.value("address", json("nothing")).dump()));
}

/// What the kernel counts for one source; an enforcer in trouble must not keep a report from being made.
std::optional<enforce::EnforcedBan> held_for(EngineLoop& loop, const core::Address& source) {
    auto held = loop.enforcer().get(source);
    return held ? *held : std::nullopt;
}

json ban_order_answer(EngineLoop& loop, const core::Address& source,
                      std::optional<std::chrono::nanoseconds> duration) {
    const std::string name = report::to_text(source);
    const auto result = loop.ban(source, duration);
    if (!result) {
        return failure(error::kFailed, fmt::format("{} is not banned yet and will be retried: {}", name,
                                                   result.error().message));
    }
    switch (*result) {
        case OrderResult::allowlisted:
            return failure(error::kRefused, fmt::format("{} is on the allowlist (allow.networks)", name));
        case OrderResult::martian:
            return failure(
                error::kRefused,
                fmt::format("{} is a loopback, unspecified, multicast or broadcast address", name));
        case OrderResult::full:
            return failure(error::kRefused, "there are as many bans as farewell may hold");
        case OrderResult::done:
        case OrderResult::already:
        case OrderResult::not_banned:
            break;
    }
    const auto record = loop.engine().report(source, boot_now()).ban;
    json document = record ? ban_document(*record, held_for(loop, source), boot_now()) : json::object();
    document["already"] = *result == OrderResult::already;
    return answer_of(std::move(document));
}

}  // namespace

ControlMethods::ControlMethods(EngineLoop& loop, Facts facts, Reload reload)
    : loop_(loop), facts_(std::move(facts)), reload_(std::move(reload)) {}

void ControlMethods::handle(const json& request, ControlServer::Answer answer) {
    const std::string name = text_of(request, "method").value_or("");
    const json parameters = request.value("parameters", json::object());
    if (!parameters.is_object()) {
        answer(failure(error::kInvalidRequest, "parameters must be an object"));
    } else if (name == method::kStatus) {
        status(std::move(answer));
    } else if (name == method::kListBans) {
        list_bans(std::move(answer));
    } else if (name == method::kGetBan) {
        get_ban(parameters, std::move(answer));
    } else if (name == method::kAddBan) {
        add_ban(parameters, std::move(answer));
    } else if (name == method::kRemoveBan) {
        remove_ban(parameters, std::move(answer));
    } else if (name == method::kRemoveAllBans) {
        remove_all_bans(std::move(answer));
    } else if (name == method::kExplain) {
        explain(parameters, std::move(answer));
    } else if (name == method::kReload) {
        reload(std::move(answer));
    } else {
        answer(failure(error::kMethodNotFound, fmt::format("there is no method `{}`", name)));
    }
}

void ControlMethods::status(ControlServer::Answer answer) {
    loop_.post([this, answer = std::move(answer)](EngineLoop& loop) mutable {
        answer(answer_of(status_document(facts_(), loop.engine(), boot_now())));
    });
}

void ControlMethods::list_bans(ControlServer::Answer answer) {
    loop_.post([answer = std::move(answer)](EngineLoop& loop) mutable {
        const std::size_t total = loop.engine().bans_wanted();
        // Counters of more than that would hold the engine up for too long.
        std::vector<enforce::EnforcedBan> held;
        if (total <= kBansListedMax) {
            if (auto listed = loop.enforcer().list()) {
                held = std::move(*listed);
            }
        }
        answer(answer_of(bans_document(loop.engine().bans(kBansListedMax), total, held, boot_now())));
    });
}

void ControlMethods::get_ban(const Parameters& parameters, ControlServer::Answer answer) {
    const auto source = address_of(parameters);
    if (!source) {
        answer(no_address(parameters));
        return;
    }
    loop_.post([source = *source, answer = std::move(answer)](EngineLoop& loop) mutable {
        const auto record = loop.engine().report(source, boot_now()).ban;
        if (!record) {
            answer(failure(error::kNotBanned, fmt::format("{} is not banned", report::to_text(source))));
            return;
        }
        answer(answer_of(ban_document(*record, held_for(loop, source), boot_now())));
    });
}

void ControlMethods::add_ban(const Parameters& parameters, ControlServer::Answer answer) {
    const auto source = address_of(parameters);
    if (!source) {
        answer(no_address(parameters));
        return;
    }
    std::optional<std::chrono::nanoseconds> duration;
    if (parameters.contains("duration")) {
        duration = report::parse_duration(text_of(parameters, "duration").value_or(""));
        if (!duration || *duration < std::chrono::seconds(1) || *duration > std::chrono::hours(24 * 366)) {
            answer(
                failure(error::kInvalidParameter, "duration must be 1s..366d, such as \"2h\" or \"1h30m\""));
            return;
        }
    }
    loop_.post([source = *source, duration, answer = std::move(answer)](EngineLoop& loop) mutable {
        answer(ban_order_answer(loop, source, duration));
    });
}

void ControlMethods::remove_ban(const Parameters& parameters, ControlServer::Answer answer) {
    const auto source = address_of(parameters);
    if (!source) {
        answer(no_address(parameters));
        return;
    }
    loop_.post([source = *source, answer = std::move(answer)](EngineLoop& loop) mutable {
        const auto result = loop.unban(source);
        if (!result) {
            answer(failure(error::kFailed, result.error().message));
            return;
        }
        answer(answer_of({{"schema", "farewell/unban/v1"},
                          {"address", report::to_text(source)},
                          {"already", *result == OrderResult::not_banned}}));
    });
}

void ControlMethods::remove_all_bans(ControlServer::Answer answer) {
    loop_.post([answer = std::move(answer)](EngineLoop& loop) mutable {
        const auto removed = loop.unban_all();
        if (!removed) {
            answer(failure(error::kFailed, removed.error().message));
            return;
        }
        answer(
            answer_of({{"schema", "farewell/unban/v1"}, {"removed", *removed}, {"already", *removed == 0}}));
    });
}

void ControlMethods::explain(const Parameters& parameters, ControlServer::Answer answer) {
    const auto source = address_of(parameters);
    if (!source) {
        answer(no_address(parameters));
        return;
    }
    loop_.post([source = *source, answer = std::move(answer)](EngineLoop& loop) mutable {
        const core::Time now = boot_now();
        const core::SourceReport known = loop.engine().report(source, now);
        answer(
            answer_of(explain_document(source, known, loop.engine().limits(), held_for(loop, source), now)));
    });
}

void ControlMethods::reload(ControlServer::Answer answer) {
    const std::vector<std::string> mistakes = reload_();
    if (mistakes.empty()) {
        answer(answer_of({{"schema", "farewell/reload/v1"}}));
        return;
    }
    answer({{"error", error::kInvalidConfiguration},
            {"parameters",
             {{"message", "the configuration has mistakes; the running one stays in force"},
              {"errors", mistakes}}}});
}

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control_methods.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "daemon/bulk_methods.hpp"
#include "daemon/clock.hpp"
#include "daemon/control_answer.hpp"
#include "daemon/event_query.hpp"
#include "daemon/history_documents.hpp"
#include "daemon/metrics.hpp"
#include "daemon/source_documents.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {
namespace {

using core::OrderResult;
using nlohmann::json;
namespace error = report::control::error;
namespace method = report::control::method;

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
std::optional<enforce::EnforcedBan> held_for(EngineLoop& loop, const core::Prefix& source) {
    auto held = loop.enforcer().get(source);
    return held ? *held : std::nullopt;
}

/// The ban of a source, or the wider one that keeps it out; nullopt without either.
std::optional<json> ban_answer(EngineLoop& loop, const core::Prefix& source) {
    const core::Time now = boot_now();
    auto record = loop.engine().ban_of(source, now);
    if (!record) {
        record = loop.engine().covering_ban(source, now);
    }
    if (!record) {
        return std::nullopt;
    }
    return ban_document(*record, held_for(loop, record->ban.source), now);
}

json ban_order_answer(EngineLoop& loop, const core::Prefix& source,
                      std::optional<std::chrono::nanoseconds> duration, const std::string& note) {
    const std::string name = report::to_text(source);
    const auto result = loop.ban(source, duration, note);
    if (!result) {
        return failure(error::kFailed, fmt::format("{} is not banned yet and will be retried: {}", name,
                                                   result.error().message));
    }
    if (auto refusal = refusal_text(loop.engine().knowledge(), source, *result)) {
        return failure(*result == OrderResult::no_length ? error::kInvalidParameter : error::kRefused,
                       std::move(*refusal));
    }
    json document = ban_answer(loop, source).value_or(json::object());
    document["already"] = *result == OrderResult::already;
    return answer_of(std::move(document));
}

json unban_order_answer(EngineLoop& loop, const core::Prefix& source) {
    const auto result = loop.unban(source);
    if (!result) {
        return failure(error::kFailed, result.error().message);
    }
    const std::string name = report::to_text(source);
    const auto wider = loop.engine().covering_ban(source, boot_now());
    if (*result == OrderResult::covered && wider) {
        const std::string covering = report::to_text(wider->ban.source);
        return failure(error::kRefused,
                       fmt::format("{0} is banned as part of {1}, which can only be let in whole: "
                                   "farewell bans remove {1}",
                                   name, covering));
    }
    json document{{"schema", "farewell/unban/v1"},
                  {"source", name},
                  {"prefix_length", source.length},
                  {"already", *result != OrderResult::done}};
    if (wider) {
        document["covered_by"] = report::to_text(wider->ban.source);
    }
    return answer_of(std::move(document));
}

}  // namespace

ControlMethods::ControlMethods(EngineLoop& loop, Facts facts, Reload reload, Disregarded disregarded,
                               AllowMethods& allow, history::Recorder* history)
    : loop_(loop),
      facts_(std::move(facts)),
      reload_(std::move(reload)),
      disregarded_(std::move(disregarded)),
      allow_(allow),
      history_(history) {}

void ControlMethods::handle(const json& request, ControlServer::Answer answer) {
    const std::string name = text_of(request, "method").value_or("");
    const json parameters = request.value("parameters", json::object());
    if (!parameters.is_object()) {
        answer(failure(error::kInvalidRequest, "parameters must be an object"));
    } else if (name == method::kStatus) {
        status(std::move(answer));
    } else if (name == method::kMetrics) {
        metrics(std::move(answer));
    } else if (name == method::kListBans) {
        list_bans(std::move(answer));
    } else if (name == method::kGetBan) {
        get_ban(parameters, std::move(answer));
    } else if (name == method::kAddBan) {
        add_ban(parameters, std::move(answer));
    } else if (name == method::kAddBans) {
        add_bans(loop_, parameters, std::move(answer));
    } else if (name == method::kExportBans) {
        export_bans(loop_, parameters, std::move(answer));
    } else if (name == method::kRemoveBan) {
        remove_ban(parameters, std::move(answer));
    } else if (name == method::kRemoveAllBans) {
        remove_all_bans(std::move(answer));
    } else if (name == method::kExplain) {
        explain(parameters, std::move(answer));
    } else if (name == method::kListEvents) {
        list_events(parameters, std::move(answer));
    } else if (name == method::kListAllowed) {
        allow_.list(std::move(answer));
    } else if (name == method::kAddAllowed) {
        allow_.add(parameters, std::move(answer));
    } else if (name == method::kRemoveAllowed) {
        allow_.remove(parameters, std::move(answer));
    } else if (name == method::kFollowEvents || name == method::kWatch) {
        answer(failure(error::kExpectedMore, fmt::format("`{}` is only answered to \"more\": true", name)));
    } else if (name == method::kTopSources) {
        top_sources(parameters, std::move(answer));
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

void ControlMethods::metrics(ControlServer::Answer answer) {
    loop_.post([this, answer = std::move(answer)](EngineLoop& loop) mutable {
        answer(answer_of(
            report::metrics_to_json(metrics_of(metrics_facts(facts_(), loop.engine(), boot_now())))));
    });
}

void ControlMethods::list_bans(ControlServer::Answer answer) {
    loop_.post([answer = std::move(answer)](EngineLoop& loop) mutable {
        const std::size_t total = loop.engine().bans_wanted();
        // Counters of more than that would hold the engine up for too long.
        std::vector<enforce::EnforcedBan> held;
        if (total <= kBansListedMax) {
            if (auto listed = loop.enforcer().list_with_counts()) {
                held = std::move(*listed);
            }
        }
        answer(answer_of(bans_document(loop.engine().bans(kBansListedMax), total, held, boot_now())));
    });
}

void ControlMethods::get_ban(const Parameters& parameters, ControlServer::Answer answer) {
    const auto source = source_of(parameters);
    if (!source) {
        answer(source.error());
        return;
    }
    loop_.post([source = *source, answer = std::move(answer)](EngineLoop& loop) mutable {
        auto document = ban_answer(loop, source);
        answer(document
                   ? answer_of(std::move(*document))
                   : failure(error::kNotBanned, fmt::format("{} is not banned", report::to_text(source))));
    });
}

void ControlMethods::add_ban(const Parameters& parameters, ControlServer::Answer answer) {
    const auto source = source_of(parameters);
    if (!source) {
        answer(source.error());
        return;
    }
    std::optional<std::chrono::nanoseconds> duration;
    if (parameters.contains("duration")) {
        duration = report::parse_duration(text_of(parameters, "duration").value_or(""));
        if (!duration || !is_ban_duration(*duration)) {
            answer(
                failure(error::kInvalidParameter, "duration must be 1s..366d, such as \"2h\" or \"1h30m\""));
            return;
        }
    }
    loop_.post([source = *source, duration, note = note_of(text_of(parameters, "note").value_or("")),
                answer = std::move(answer)](EngineLoop& loop) mutable {
        answer(ban_order_answer(loop, source, duration, note));
    });
}

void ControlMethods::remove_ban(const Parameters& parameters, ControlServer::Answer answer) {
    const auto source = source_of(parameters);
    if (!source) {
        answer(source.error());
        return;
    }
    loop_.post([source = *source, answer = std::move(answer)](EngineLoop& loop) mutable {
        answer(unban_order_answer(loop, source));
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
    loop_.post([this, source = *source, allowed_by = allow_.entry_of(*source),
                disregarded = disregarded_part(disregarded_(*source)),
                answer = std::move(answer)](EngineLoop& loop) mutable {
        const core::Time now = boot_now();
        const core::SourceReport known = loop.engine().report(source, now);
        const auto held = known.ban ? held_for(loop, known.ban->ban.source) : std::nullopt;
        json document = explain_document(source, known, loop.engine(), held, now);
        document["disregarded"] = std::move(disregarded);
        if (!allowed_by.is_null()) {
            document["allowed_by"] = std::move(allowed_by);
        }
        if (history_ == nullptr) {
            answer(answer_of(std::move(document)));
            return;
        }
        // The disk is the recorder's; one that hangs keeps the client waiting, not the engine.
        const auto shared = std::make_shared<ControlServer::Answer>(std::move(answer));
        const bool asked =
            history_->ask([shared, source, document, ban = known.ban](history::Archive& archive) mutable {
                add_history(document, archive, source, ban);
                (*shared)(answer_of(std::move(document)));
            });
        if (!asked) {
            (*shared)(answer_of(std::move(document)));
        }
    });
}

void ControlMethods::list_events(const Parameters& parameters, ControlServer::Answer answer) {
    if (history_ == nullptr) {
        answer(failure(error::kFailed, "no history is kept (history.enabled = false)"));
        return;
    }
    const auto query = event_query_of(parameters, kEventsListedMax);
    if (!query) {
        answer(query.error());
        return;
    }
    const auto shared = std::make_shared<ControlServer::Answer>(std::move(answer));
    if (!history_->ask([shared, query = *query](history::Archive& archive) {
            (*shared)(answer_of(events_document(archive, query)));
        })) {
        (*shared)(failure(error::kFailed, "the history does not answer: the disk may be hanging"));
    }
}

void ControlMethods::top_sources(const Parameters& parameters, ControlServer::Answer answer) {
    const json max = parameters.value("max", json(kSourcesListedDefault));
    if (!max.is_number_unsigned() || max < 1 || max > kSourcesListedMax) {
        answer(
            failure(error::kInvalidParameter, fmt::format("max must be a number 1..{}", kSourcesListedMax)));
        return;
    }
    loop_.post([most = max.get<std::size_t>(), answer = std::move(answer)](EngineLoop& loop) mutable {
        const core::Engine& engine = loop.engine();
        answer(answer_of(sources_document(engine.top_sources(most, boot_now()), engine.sources_tracked(),
                                          engine.limits().rule)));
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

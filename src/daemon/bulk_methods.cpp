// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/bulk_methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/control_answer.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"

namespace farewell::daemon {
namespace {

using core::OrderResult;
using nlohmann::json;
namespace error = report::control::error;

/// The error is the answer.
std::expected<BanRequest, json> request_of(const json& item) {
    if (!item.is_object()) {
        return std::unexpected(failure(error::kInvalidParameter, "each of bans must be an object"));
    }
    const auto source = source_of(item);
    if (!source) {
        return std::unexpected(source.error());
    }
    BanRequest request{
        .source = *source, .duration = {}, .note = note_of(text_of(item, "note").value_or(""))};
    if (const auto seconds = item.find("seconds"); seconds != item.end()) {
        constexpr std::int64_t kMost = std::chrono::seconds(kBanDurationMax).count();
        if (!seconds->is_number_unsigned() || *seconds < 1 || *seconds > kMost) {
            return std::unexpected(
                failure(error::kInvalidParameter,
                        fmt::format("seconds must be 1..{}, got {}", kMost, seconds->dump())));
        }
        request.duration = std::chrono::seconds(seconds->get<std::int64_t>());
    }
    return request;
}

// A millisecond or so; others judge and ban in between.
constexpr std::size_t kImportedAtOnce = 250;

/// A list, and what has become of it so far.
struct Import {
    std::vector<BanRequest> requests;
    ControlServer::Answer answer;
    std::size_t done = 0;  // of the requests
    std::size_t banned = 0;
    std::size_t already = 0;
    json refused = json::array();
    json failed = json::array();
};

void import_part(EngineLoop& loop, Import& import) {
    const auto part =
        std::span(import.requests)
            .subspan(import.done, std::min(kImportedAtOnce, import.requests.size() - import.done));
    const auto results = loop.import(part);
    for (std::size_t i = 0; i < part.size(); ++i) {
        const core::Prefix& source = part[i].source;
        const auto& result = results[i];
        if (!result) {
            import.failed.push_back(
                {{"source", report::to_text(source)}, {"message", result.error().message}});
        } else if (auto refusal = refusal_text(loop.engine().knowledge(), source, *result)) {
            import.refused.push_back({{"source", report::to_text(source)}, {"message", std::move(*refusal)}});
        } else {
            ++(*result == OrderResult::already ? import.already : import.banned);
        }
    }
    import.done += part.size();
}

void go_on(EngineLoop& loop, std::unique_ptr<Import> import) {
    import_part(loop, *import);
    if (import->done < import->requests.size()) {
        loop.post(
            [import = std::move(import)](EngineLoop& running) mutable { go_on(running, std::move(import)); });
        return;
    }
    import->answer(answer_of({{"schema", "farewell/import/v1"},
                              {"banned", import->banned},
                              {"already", import->already},
                              {"refused", std::move(import->refused)},
                              {"failed", std::move(import->failed)}}));
}

constexpr std::size_t kExportedAtOnce = 2000;  // each part looks at every ban, so that more parts cost more

json export_answer(const std::vector<core::Ban>& bans, core::Time now) {
    json list = json::array();
    for (const core::Ban& ban : bans) {
        list.push_back({{"source", report::to_text(ban.source)},
                        {"family", ban.source.address.family() == core::Family::ipv4 ? "ipv4" : "ipv6"},
                        {"prefix_length", ban.source.length},
                        {"reason", core::name_of(ban.reason)},
                        {"soft", ban.soft},
                        {"until", timestamp(ban.until)},
                        {"seconds_left", std::chrono::ceil<std::chrono::seconds>(ban.until - now).count()}});
    }
    json document{{"schema", "farewell/bans-export/v1"}, {"bans", std::move(list)}};
    if (bans.size() == kExportedAtOnce) {
        document["next"] = report::to_text(bans.back().source);
    }
    return answer_of(std::move(document));
}

}  // namespace

void add_bans(EngineLoop& loop, const json& parameters, ControlServer::Answer answer) {
    const auto bans = parameters.find("bans");
    if (bans == parameters.end() || !bans->is_array()) {
        answer(failure(error::kInvalidParameter, "bans must be a list"));
        return;
    }
    auto import = std::make_unique<Import>(Import{.requests = {}, .answer = std::move(answer)});
    import->requests.reserve(bans->size());
    for (const json& item : *bans) {
        auto request = request_of(item);
        if (!request) {
            import->answer(request.error());
            return;
        }
        import->requests.push_back(std::move(*request));
    }
    loop.post(
        [import = std::move(import)](EngineLoop& running) mutable { go_on(running, std::move(import)); });
}

void export_bans(EngineLoop& loop, const json& parameters, ControlServer::Answer answer) {
    std::optional<core::Prefix> after;
    if (parameters.contains("after")) {
        after = report::parse_prefix(text_of(parameters, "after").value_or(""));
        if (!after) {
            answer(failure(error::kInvalidParameter, "after must be an address or a prefix"));
            return;
        }
    }
    loop.post([after, answer = std::move(answer)](EngineLoop& running) mutable {
        const core::Time now = boot_now();
        answer(export_answer(running.engine().wanted_after(after, kExportedAtOnce, now), now));
    });
}

}  // namespace farewell::daemon

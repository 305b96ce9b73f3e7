// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/ban_list_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/ban_list.hpp"
#include "cli/document_text.hpp"
#include "cli/progress_bar.hpp"
#include "report/address_text.hpp"
#include "report/control_protocol.hpp"
#include "report/errno_text.hpp"
#include "report/printable.hpp"
#include "report/quantity_text.hpp"
#include "report/stream_text.hpp"

namespace farewell::cli {
namespace {

namespace method = report::control::method;
using nlohmann::json;
using report::ExitStatus;

constexpr std::size_t kShownMax = 10;
constexpr std::size_t kRequestBytes = report::control::kRequestBytesMax - 1024;

struct ImportOptions {
    std::string file;
    std::string duration;
    std::string note;
};

std::expected<std::string, std::string> read_all(const std::string& file) {
    std::ifstream stream;
    if (file != "-") {
        stream.open(file, std::ios::binary);
    }
    auto text = !stream ? std::unexpected(errno) : report::rest_of(file == "-" ? std::cin : stream);
    if (!text) {
        return std::unexpected(fmt::format("read {}: {}", file, report::errno_text(text.error())));
    }
    return std::move(*text);
}

json item_of(const ListedBan& ban, const ImportOptions& options) {
    json item{{"source", report::to_text(ban.source)}};
    const auto told = report::parse_duration(options.duration);
    if (told) {
        item["seconds"] = std::chrono::duration_cast<std::chrono::seconds>(*told).count();
    } else if (ban.duration) {
        item["seconds"] = ban.duration->count();
    }
    const std::string& note = options.note.empty() ? ban.note : options.note;
    if (!note.empty()) {
        item["note"] = note;
    }
    return item;
}

/// What became of the parts so far.
struct ImportSum {
    std::uint64_t banned = 0;
    std::uint64_t already = 0;
    std::uint64_t over = 0;  // entries whose time was up before they came here
    json refused = json::array();
    json failed = json::array();

    void add(const json& answer) {
        banned += number(answer, "banned");
        already += number(answer, "already");
        refused.insert(refused.end(), answer.at("refused").begin(), answer.at("refused").end());
        failed.insert(failed.end(), answer.at("failed").begin(), answer.at("failed").end());
    }
    [[nodiscard]] json document() const {
        return {{"schema", "farewell/import/v1"},
                {"banned", banned},
                {"already", already},
                {"expired", over},
                {"refused", refused},
                {"failed", failed}};
    }
    [[nodiscard]] std::string screen() const {
        return fmt::format("{} banned, {} already, {} refused, {} failed{}\n", banned, already,
                           refused.size(), failed.size(),
                           over > 0 ? fmt::format(", {} over already", over) : "");
    }
};

/// The first few of those that came to nothing, on stderr.
void complain(const json& items, std::string_view what) {
    for (std::size_t i = 0; i < std::min(items.size(), kShownMax); ++i) {
        fmt::print(stderr, "farewell: {}: {}\n", what,
                   report::printable(items[i].at("message").get<std::string>()));
    }
    if (items.size() > kShownMax) {
        fmt::print(stderr, "farewell: … and {} more {}\n", items.size() - kShownMax, what);
    }
}

/// In as few requests as their size allows. The error is what broke it off; what went before is in force.
std::expected<ImportSum, CallFailure> send(const Session& session, const std::vector<ListedBan>& bans,
                                           const ImportOptions& options) {
    ImportSum sum;
    ProgressBar bar(bans.size(), ProgressBar::Unit::bans, !session.quiet && !session.as_json);
    json part = json::array();
    std::size_t bytes = 0;
    const auto flush = [&]() -> std::expected<void, CallFailure> {
        if (part.empty()) {
            return {};
        }
        const std::size_t count = part.size();
        const auto answer =
            session.daemon().call(method::kAddBans, {{"bans", std::exchange(part, json::array())}});
        bytes = 0;
        if (!answer) {
            return std::unexpected(answer.error());
        }
        sum.add(*answer);
        bar.add(count);
        return {};
    };
    for (const ListedBan& ban : bans) {
        if (options.duration.empty() && ban.duration && ban.duration->count() < 1) {
            ++sum.over;
            continue;
        }
        json item = item_of(ban, options);
        const std::size_t size = json_line(item).size();
        if (bytes + size > kRequestBytes) {
            if (auto flushed = flush(); !flushed) {
                return std::unexpected(flushed.error());
            }
        }
        part.push_back(std::move(item));
        bytes += size;
    }
    if (auto flushed = flush(); !flushed) {
        return std::unexpected(flushed.error());
    }
    return sum;
}

ExitStatus import_bans(const Session& session, const ImportOptions& options) {
    const auto text = read_all(options.file);
    if (!text) {
        return session.fail(ExitStatus::failure, text.error());
    }
    const auto bans = parse_ban_list(*text);
    if (!bans) {
        const std::vector<std::string>& mistakes = bans.error();
        std::vector<std::string> shown(
            mistakes.begin(),
            mistakes.begin() + static_cast<std::ptrdiff_t>(std::min(mistakes.size(), kShownMax)));
        if (mistakes.size() > kShownMax) {
            shown.push_back(fmt::format("… and {} more", mistakes.size() - kShownMax));
        }
        return session.fail(
            CallFailure{.status = ExitStatus::failure,
                        .error = {},
                        .message = fmt::format("{}: {} of its entries cannot be banned; nothing "
                                               "has been imported",
                                               options.file, mistakes.size()),
                        .details = std::move(shown)});
    }
    if (session.dry_run) {
        return session.would("ban " + report::counted(bans->size(), "source"));
    }
    const auto sum = send(session, *bans, options);
    if (!sum) {
        return session.fail(sum.error());
    }
    complain(sum->refused, "refused");
    complain(sum->failed, "failed");
    session.say(sum->document(), sum->screen());
    return sum->failed.empty() ? ExitStatus::ok : ExitStatus::failure;
}

ExitStatus export_bans(const Session& session, ListFormat format) {
    json bans = json::array();
    json parameters = json::object();
    while (true) {
        const auto answer = session.daemon().call(method::kExportBans, parameters);
        if (!answer) {
            return session.fail(answer.error());
        }
        bans.insert(bans.end(), answer->at("bans").begin(), answer->at("bans").end());
        if (!answer->contains("next")) {
            break;
        }
        parameters["after"] = answer->at("next");
    }
    fmt::print("{}", ban_list_text(bans, format));
    return ExitStatus::ok;
}

}  // namespace

void add_ban_list_commands(CLI::App& bans, Session& session) {
    static const std::map<std::string, ListFormat> formats{{"plain", ListFormat::plain},
                                                           {"nft", ListFormat::nft},
                                                           {"json", ListFormat::json},
                                                           {"cscli", ListFormat::cscli}};
    CLI::App* import = bans.add_subcommand("import", "ban every source of a list");
    const auto options = std::make_shared<ImportOptions>();
    import->add_option("file", options->file, "plain list, farewell's own JSON, or CrowdSec's; - is stdin")
        ->type_name("FILE")
        ->required();
    import->add_option("--for", options->duration, "how long, whatever the list says (default: ban.duration)")
        ->check([](const std::string& text) {
            const auto duration = report::parse_duration(text);
            return duration && *duration >= std::chrono::seconds(1)
                       ? std::string()
                       : fmt::format("`{}` is not a duration such as 2h or 30d", text);
        });
    import->add_option("--reason", options->note, "a note to yourself");
    session.on(*import, [&session, options] { return import_bans(session, *options); });

    CLI::App* exported = bans.add_subcommand("export", "every ban, for other programs");
    const auto format = std::make_shared<std::string>("plain");
    exported->add_option("--format", *format, "plain, nft, json or cscli")
        ->check(CLI::IsMember(formats))
        ->capture_default_str()
        ->option_text("FORMAT");
    session.on(*exported, [&session, format] {
        return export_bans(session, session.as_json ? ListFormat::json : formats.at(*format));
    });
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/ban_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/document_text.hpp"
#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;

using Mistakes = std::vector<std::string>;
using Bans = std::vector<ListedBan>;

constexpr std::string_view kSpace = " \t\r";

std::expected<Bans, Mistakes> parse_plain(std::string_view text) {
    Bans bans;
    Mistakes mistakes;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        line = line.substr(0, line.find_first_of("#;"));
        line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
        const std::string_view word = line.substr(0, line.find_first_of(" \t\r,"));
        if (word.empty()) {
            continue;
        }
        if (const auto source = report::parse_source(word)) {
            bans.push_back({.source = *source, .duration = {}, .note = {}});
        } else {
            mistakes.push_back(fmt::format("line {}: {}", number, source.error()));
        }
    }
    if (!mistakes.empty()) {
        return std::unexpected(std::move(mistakes));
    }
    return bans;
}

/// The member as text; empty where it is not.
std::string text_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// One ban of farewell's own list.
std::expected<ListedBan, std::string> own_ban(const json& item) {
    const auto source = report::parse_source(text_in(item, "source"));
    if (!source) {
        return std::unexpected(source.error());
    }
    ListedBan ban{.source = *source, .duration = {}, .note = text_in(item, "note")};
    if (const auto left = item.find("seconds_left"); left != item.end() && left->is_number()) {
        ban.duration = std::chrono::seconds(std::llround(std::ceil(left->get<double>())));
    }
    return ban;
}

/// "3h59m49.5s", as Go writes durations: the fraction is of no use here.
std::optional<std::chrono::seconds> go_duration(std::string text) {
    if (const std::size_t dot = text.find('.'); dot != std::string::npos) {
        const std::size_t unit = text.find_first_not_of("0123456789", dot + 1);
        text = text.substr(0, dot) + (unit == std::string::npos ? "" : text.substr(unit));
    }
    const auto duration = report::parse_duration(text);
    return duration ? std::optional(std::chrono::ceil<std::chrono::seconds>(*duration)) : std::nullopt;
}

/// One decision of CrowdSec; nullopt if it is no ban of an address or a range.
std::expected<std::optional<ListedBan>, std::string> decision(const json& item) {
    std::string scope = text_in(item, "scope");
    std::ranges::transform(scope, scope.begin(),
                           [](char letter) { return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter; });
    const std::string type = text_in(item, "type");
    if ((!scope.empty() && scope != "ip" && scope != "range") || (!type.empty() && type != "ban")) {
        return std::nullopt;
    }
    const auto source = report::parse_source(text_in(item, "value"));
    if (!source) {
        return std::unexpected(source.error());
    }
    const std::string reason = text_in(item, "scenario");
    return ListedBan{.source = *source,
                     .duration = go_duration(text_in(item, "duration")),
                     .note = reason.empty() ? text_in(item, "reason") : reason};
}

/// `name`: of the list, for mistakes. `read` gives each ban, or nullopt to leave the item out.
template <typename Read>
std::expected<Bans, Mistakes> parse_items(const json& list, std::string_view name, const Read& read) {
    Bans bans;
    Mistakes mistakes;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].is_object()) {
            mistakes.push_back(fmt::format("{}[{}]: not an object", name, i));
            continue;
        }
        std::expected<std::optional<ListedBan>, std::string> ban = read(list[i]);
        if (!ban) {
            mistakes.push_back(fmt::format("{}[{}]: {}", name, i, ban.error()));
        } else if (std::optional<ListedBan>& listed = *ban) {
            bans.push_back(std::move(*listed));
        }
    }
    if (!mistakes.empty()) {
        return std::unexpected(std::move(mistakes));
    }
    return bans;
}

/// `cscli decisions list` puts decisions into alerts, `import` takes them bare.
json decisions_of(const json& list) {
    json decisions = json::array();
    for (const json& item : list) {
        if (item.is_object() && item.contains("decisions") && item.at("decisions").is_array()) {
            decisions.insert(decisions.end(), item.at("decisions").begin(), item.at("decisions").end());
        } else {
            decisions.push_back(item);
        }
    }
    return decisions;
}

std::expected<Bans, Mistakes> parse_json(std::string_view text) {
    const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (document.is_array()) {
        return parse_items(decisions_of(document), "decisions", decision);
    }
    if (!document.is_object()) {
        return std::unexpected(Mistakes{"it begins like JSON, but is not: is it cut off?"});
    }
    const auto bans = document.find("bans");
    if (bans == document.end() || !bans->is_array()) {
        return std::unexpected(Mistakes{"a JSON object without a list `bans`: not an export of farewell's"});
    }
    return parse_items(*bans, "bans", own_ban);
}

/// Of both families, each with the elements of its bans.
std::string nft_text(const json& bans) {
    std::string text =
        "# Written by `farewell bans export --format nft`: two sets with timeouts, to be used in rules of "
        "one's\n"
        "# own: `ip saddr @banned4 drop`. A ban within a wider one is left out: such sets cannot hold both.\n"
        "table inet farewell_export {\n";
    for (const char* family : {"ipv4", "ipv6"}) {
        text += fmt::format("\tset banned{} {{\n\t\ttype {}_addr\n\t\tflags interval, timeout\n", family[3],
                            family);
        std::string elements;
        std::optional<core::Prefix> around;  // in the order of sources a network comes before what it holds
        for (const json& ban : bans) {
            const auto source = report::parse_prefix(ban.at("source").get<std::string>());
            if (ban.at("family") != family || !source || (around && around->contains(*source))) {
                continue;
            }
            around = source;
            elements +=
                fmt::format("{}\n\t\t\t{} timeout {}s", elements.empty() ? "" : ",",
                            ban.at("source").get<std::string>(), ban.at("seconds_left").get<std::int64_t>());
        }
        if (!elements.empty()) {
            text += fmt::format("\t\telements = {{{}\n\t\t}}\n", elements);
        }
        text += "\t}\n";
    }
    return text + "}\n";
}

std::string cscli_text(const json& bans) {
    json decisions = json::array();
    for (const json& ban : bans) {
        const bool is_address = ban.at("source").get<std::string>().find('/') == std::string::npos;
        decisions.push_back({{"duration", fmt::format("{}s", ban.at("seconds_left").get<std::int64_t>())},
                             {"reason", fmt::format("farewell/{}", ban.at("reason").get<std::string>())},
                             {"scope", is_address ? "ip" : "range"},
                             {"type", "ban"},
                             {"value", ban.at("source")}});
    }
    return json_line(decisions);
}

}  // namespace

std::expected<Bans, Mistakes> parse_ban_list(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    const bool is_json = begin != std::string_view::npos && (text[begin] == '{' || text[begin] == '[');
    return is_json ? parse_json(text) : parse_plain(text);
}

std::string ban_list_text(const json& bans, ListFormat format) {
    switch (format) {
        case ListFormat::plain: {
            std::string text;
            for (const json& ban : bans) {
                text += ban.at("source").get<std::string>() + "\n";
            }
            return text;
        }
        case ListFormat::nft:
            return nft_text(bans);
        case ListFormat::json:
            return json_line({{"schema", "farewell/bans-export/v1"}, {"bans", bans}});
        case ListFormat::cscli:
            return cscli_text(bans);
    }
    return {};
}

}  // namespace farewell::cli

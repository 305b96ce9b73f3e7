// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/source_table.hpp"

#include <fmt/format.h>

#include <string_view>

#include "page/text.hpp"

namespace farewell::page {
namespace {

/// What is held against a source: of its last ban that has evidence, or short of one.
const Evidence* evidence_of(const Source& source) {
    for (auto ban = source.bans.rbegin(); ban != source.bans.rend(); ++ban) {
        if (ban->evidence) {
            return &*ban->evidence;
        }
    }
    return source.evidence ? &*source.evidence : nullptr;
}

/// A class for its colour, and words for everybody.
std::pair<std::string_view, std::string> state_of(const Source& source) {
    if (source.bans_total == 0) {
        return {"free", "not banned"};
    }
    const Ban* last = source.bans.empty() ? nullptr : &source.bans.back();
    const bool is_soft = last != nullptr && last->soft;
    std::string text = last != nullptr && last->observed ? "would be banned" : "banned";
    text += is_soft ? " softly" : "";
    text += last != nullptr && last->reason == "by_operator" ? " by hand" : "";
    if (source.bans_total > 1) {
        text += fmt::format(", {} times", grouped(source.bans_total));
    }
    return {is_soft ? "soft" : "banned", text};
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

std::string text_cell(std::string_view name, std::string_view text) {
    return fmt::format("<td data-name=\"{}\">{}</td>", name, escaped(text));
}

/// `sorted_by`: what the script compares; absent ones go last.
std::string number_cell(std::string_view name, const std::optional<std::uint64_t>& number) {
    return number ? fmt::format("<td class=\"number\" data-name=\"{}\" data-by=\"{}\">{}</td>", name, *number,
                                grouped(*number))
                  : fmt::format("<td class=\"number\" data-name=\"{}\">–</td>", name);
}

std::string time_cell(std::string_view name, const std::optional<WallTime>& time,
                      std::chrono::minutes offset) {
    if (!time) {
        return fmt::format("<td data-name=\"{}\">–</td>", name);
    }
    return fmt::format("<td data-name=\"{}\" data-by=\"{}\"><time datetime=\"{}\">{}</time></td>", name,
                       time->time_since_epoch().count(), machine_stamp(*time),
                       stamp(*time, offset).substr(0, 19));
}

std::string row(const Source& source, std::size_t index, std::chrono::minutes offset) {
    const Evidence* evidence = evidence_of(source);
    const auto [state, state_text] = state_of(source);
    const std::optional<WallTime> when =
        source.bans.empty() ? source.last : std::optional(source.bans.back().at);
    const auto of_evidence = [&](auto text) {
        return evidence != nullptr ? text(*evidence) : std::string("–");
    };
    return fmt::format(
               "<tr data-row=\"{}\"><th scope=\"row\" data-name=\"Source\">{}</th>"
               "<td data-name=\"State\" class=\"state\"><span class=\"{}\">{}</span></td>",
               index, escaped(source.name), state, state_text) +
           time_cell("Last event", when, offset) + number_cell("Probes", source.probes) +
           number_cell("Distinct", evidence != nullptr ? std::optional(evidence->distinct) : std::nullopt) +
           text_cell("Tool", of_evidence([](const Evidence& it) {
                         return it.tools.empty() ? std::string("–") : joined(it.tools);
                     })) +
           text_cell("Rule", of_evidence([](const Evidence& it) {
                         return it.criterion.empty() ? std::string("–") : it.criterion;
                     })) +
           text_cell("Forged?", of_evidence([](const Evidence& it) {
                         return std::string(it.could_be_forged ? "possible" : "no");
                     })) +
           number_cell("Kept out", source.kept_out) + "</tr>\n";
}

}  // namespace

std::string source_table(const Document& document) {
    std::string text =
        "<section id=\"sources\"><h2>Sources</h2>\n"
        "<div class=\"tools\" id=\"search-tools\" hidden><label>Search <input type=\"search\" id=\"search\" "
        "autocomplete=\"off\" spellcheck=\"false\" placeholder=\"address, tool, tcp/22 …\"></label>"
        "<span id=\"found\" role=\"status\"></span></div>\n";
    if (document.sources.empty()) {
        return text + "<p class=\"nothing\">No source to tell of.</p></section>\n";
    }
    text += "<table class=\"sources\" id=\"source-table\"><thead><tr>";
    struct Column {
        std::string_view name;
        bool is_number;
        std::string_view help;
    };
    for (const Column& column : std::initializer_list<Column>{
             {"Source", false, "an address, or a network that was banned as one"},
             {"State", false, ""},
             {"Last event", false, "its last ban, or its last probe"},
             {"Probes", true, "packets for closed ports, counted up to a ban and after it"},
             {"Distinct", true, "distinct closed ports; of a sweep: hosts"},
             {"Tool", false, "what its packets look like"},
             {"Rule", false, "which criterion decided"},
             {"Forged?", false, "could somebody else have sent this in its name?"},
             {"Kept out", true, "packets that its bans dropped"}}) {
        text +=
            fmt::format("<th scope=\"col\"{}{}>{}</th>", column.is_number ? " class=\"number\"" : "",
                        column.help.empty() ? "" : fmt::format(" title=\"{}\"", column.help), column.name);
    }
    text += "</tr></thead>\n<tbody>\n";
    for (std::size_t i = 0; i < document.sources.size(); ++i) {
        text += row(document.sources[i], i, document.utc_offset);
    }
    return text + "</tbody></table></section>\n";
}

}  // namespace farewell::page

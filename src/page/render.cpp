// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "page/assets.hpp"
#include "page/data_block.hpp"
#include "page/source_table.hpp"
#include "page/text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::page {
namespace {

std::string title_of(const Document& document) {
    if (document.origin == Origin::history) {
        return "farewell report: the daemon's history";
    }
    if (document.inputs_total == 1 && !document.inputs.empty()) {
        return "farewell report: " + document.inputs.front();
    }
    return fmt::format("farewell report: {}", counted(document.inputs_total, "capture", "captures"));
}

std::string head(const Document& document) {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
        "content=\"no-referrer\">\n"
        "<title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{}</style>\n</head>\n",
        assets::policy(), escaped(title_of(document)), assets::style());
}

std::string time_text(WallTime time, const Document& document) {
    return fmt::format("<time datetime=\"{}\">{}</time>", machine_stamp(time),
                       stamp(time, document.utc_offset).substr(0, 19));
}

std::string span_text(const Document& document) {
    if (!document.begin || !document.end) {
        return "";
    }
    // Nobody needs the milliseconds of a day.
    const auto exact = *document.end - *document.begin;
    const std::string length =
        report::to_text(exact < std::chrono::seconds(10)
                            ? std::chrono::nanoseconds(std::chrono::floor<std::chrono::milliseconds>(exact))
                            : std::chrono::nanoseconds(std::chrono::floor<std::chrono::seconds>(exact)));
    return fmt::format("<p class=\"span\">{} to {} <span class=\"zone\">{}</span>, {}</p>\n",
                       time_text(*document.begin, document), time_text(*document.end, document),
                       zone_text(document.utc_offset), length);
}

std::string origin_text(const Document& document) {
    if (document.origin == Origin::history) {
        return "<p>Bans and their evidence, as the daemon's history has them.</p>\n";
    }
    std::string text = "<p>What farewell would have done, judged from ";
    if (document.inputs_total == 1 && !document.inputs.empty()) {
        return text + "<bdi>" + escaped(document.inputs.front()) + "</bdi>.</p>\n";
    }
    text += fmt::format("{}.</p>\n<details class=\"inputs\"><summary>Which</summary><ul>",
                        counted(document.inputs_total, "capture", "captures"));
    for (const std::string& input : document.inputs) {
        text += "<li><bdi>" + escaped(input) + "</bdi></li>";
    }
    if (document.inputs_total > document.inputs.size()) {
        text += fmt::format("<li>and {} more</li>", grouped(document.inputs_total - document.inputs.size()));
    }
    return text + "</ul></details>\n";
}

std::string tile(std::string_view name, const std::optional<std::uint64_t>& number,
                 std::string_view remark = "") {
    return fmt::format("<div{}><dt>{}</dt><dd>{}</dd>{}</div>", number ? "" : " class=\"unknown\"", name,
                       number ? grouped(*number) : "not known",
                       remark.empty() ? "" : fmt::format("<dd class=\"remark\">{}</dd>", remark));
}

std::string headline(const Document& document) {
    std::string soft;
    if (document.bans > 0) {
        soft = document.soft_bans == document.bans ? "all of them soft"
               : document.soft_bans == 0           ? "none of them soft"
                                                   : grouped(document.soft_bans) + " of them soft";
    }
    const auto tools = static_cast<std::uint64_t>(std::ranges::count_if(
        document.tools, [](const Tally& tool) { return tool.name != "none recognised"; }));
    std::string names;
    for (const Tally& tool : document.tools) {
        if (tool.name != "none recognised") {
            names += (names.empty() ? "" : ", ") + escaped(tool.name);
        }
    }
    return "<dl class=\"headline\" id=\"headline\">" + tile("Sources banned", document.sources_banned) +
           tile("Bans", document.bans, soft) +
           tile("Sources seen", document.sources_seen,
                document.sources_seen                ? ""
                : document.origin == Origin::history ? "the history has only banned ones"
                                                     : "too many to be told apart") +
           tile("Probes", document.probes, document.probes ? "" : "the history does not count them") +
           tile("Packets kept out", document.kept_out,
                document.kept_out ? "" : "known only of bans in force") +
           tile("Tools recognised", tools, names) + "</dl>\n";
}

std::string notes(const Document& document) {
    std::vector<std::string> all = document.notes;
    if (document.points_total > document.points.size()) {
        all.push_back(
            fmt::format("The raster shows {} of {} packets: the first ones of each source and a random "
                        "sample of the rest.",
                        grouped(document.points.size()), grouped(document.points_total)));
    }
    if (all.empty()) {
        return "";
    }
    std::string text = "<ul class=\"notes\" aria-label=\"What this page leaves out\">";
    for (const std::string& note : all) {
        text += "<li>" + escaped(note) + "</li>";
    }
    return text + "</ul>\n";
}

/// Filled by the script, and hidden without it.
constexpr std::string_view kDrawings =
    R"html(<noscript><p class="notes">The raster, the charts, search and the evidence behind each source need script. Everything else is below.</p></noscript>
<section id="raster-section" hidden>
<h2>Scan raster</h2>
<p class="hint" id="raster-hint">Each dot is a packet for a closed port; faint dots were kept out by a ban; a triangle marks a ban. Drag to zoom, double click for all. With the keyboard: arrows go from dot to dot, + and − zoom, 0 shows all.</p>
<div class="tools"><label>Port axis <select id="axis"><option value="compact">compact</option><option value="log">logarithmic</option><option value="linear">linear</option></select></label><button type="button" id="reset" disabled>Show all</button><span id="range" role="status"></span></div>
<div class="raster"><canvas id="raster" tabindex="0" role="application" aria-label="Scan raster, time by port" aria-describedby="raster-hint"></canvas><div id="tip" hidden></div></div>
<p id="spoken" class="spoken" aria-live="polite"></p>
<ul id="legend" class="legend" aria-label="Sources by colour"></ul>
</section>
<section id="charts-section" hidden>
<h2>Over time</h2>
<div class="charts"><figure><figcaption id="probes-caption"></figcaption><div id="probes-chart"></div></figure><figure><figcaption>Active bans</figcaption><div id="active-chart"></div></figure></div>
</section>
)html";

std::string cell(const std::optional<std::uint64_t>& number) {
    return fmt::format("<td class=\"number\">{}</td>", number ? grouped(*number) : "");
}

/// Columns that nothing is known for are left out.
std::string list(std::string_view id, std::string_view title, std::string_view first_column,
                 const std::vector<Tally>& tallies, std::string_view probes_column = "Probes") {
    if (tallies.empty()) {
        return "";
    }
    const bool has_sources =
        std::ranges::any_of(tallies, [](const Tally& one) { return one.sources.has_value(); });
    const bool has_banned =
        std::ranges::any_of(tallies, [](const Tally& one) { return one.banned.has_value(); });
    const bool has_probes =
        std::ranges::any_of(tallies, [](const Tally& one) { return one.probes.has_value(); });
    std::string text = fmt::format(
        "<section id=\"{}\"><h2>{}</h2><table><thead><tr><th scope=\"col\">{}</th>{}{}{}</tr></thead><tbody>",
        id, title, first_column, has_sources ? "<th scope=\"col\" class=\"number\">Sources</th>" : "",
        has_banned ? "<th scope=\"col\" class=\"number\">Banned</th>" : "",
        has_probes ? fmt::format("<th scope=\"col\" class=\"number\">{}</th>", probes_column) : "");
    for (const Tally& one : tallies) {
        text += fmt::format("<tr><th scope=\"row\">{}</th>{}{}{}</tr>", escaped(one.name),
                            has_sources ? cell(one.sources) : "", has_banned ? cell(one.banned) : "",
                            has_probes ? cell(one.probes) : "");
    }
    return text + "</tbody></table></section>\n";
}

std::string remarks(const Document& document) {
    if (document.remarks.empty()) {
        return "";
    }
    std::string text = "<section id=\"remarks\"><h2>What else happened</h2><ul>";
    for (const Remark& remark : document.remarks) {
        text += fmt::format("<li>{} {}</li>", time_text(remark.at, document), escaped(remark.text));
    }
    return text + "</ul></section>\n";
}

}  // namespace

std::string render(const Document& document) {
    std::string page = head(document);
    page += "<body>\n<header><h1>farewell report</h1>\n" + origin_text(document) + span_text(document) +
            "</header>\n<main>\n" + headline(document) + notes(document);
    page += kDrawings;
    page += source_table(document);
    page += "<div class=\"lists\">\n" + list("tools", "Tools", "Tool", document.tools) +
            list("networks", "Networks", "Network", document.networks) +
            list("ports", "Ports most tried", "Port", document.ports, "Tries") + "</div>\n" +
            remarks(document);
    page += fmt::format(
        "</main>\n<footer>Made by farewell {} at {} {}. The line charts are drawn by uPlot (MIT licence, in "
        "the "
        "source of this page).</footer>\n",
        escaped(document.version), time_text(document.made, document), zone_text(document.utc_offset));
    page += "<script type=\"application/json\" id=\"data\">" + json_for_html(data_block(document)) +
            "</script>\n";
    page += fmt::format("<script>{}</script>\n</body>\n</html>\n", assets::script());
    return page;
}

}  // namespace farewell::page

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/doctor_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/printable.hpp"

namespace farewell::cli {
namespace {

using doctor::Finding;
using doctor::Verdict;
using nlohmann::json;

/// The worst on top.
std::vector<Finding> sorted(std::vector<Finding> findings) {
    std::ranges::stable_sort(findings, std::ranges::greater(), &Finding::verdict);
    return findings;
}

std::string mark_of(Verdict verdict, const Paint& paint) {
    switch (verdict) {
        case Verdict::well:
            return paint.good("✔");
        case Verdict::note:
            return paint.faint("!");
        case Verdict::skipped:
            return paint.warning("?");
        case Verdict::warning:
            return paint.warning("!");
        case Verdict::failure:
            return paint.bad("✘");
    }
    return "";
}

/// Code points, which is near enough to columns here.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

std::string line_of(const Finding& finding, const Paint& paint) {
    constexpr std::size_t kWidth = 120;
    const std::string text = report::printable(finding.text);
    const std::string mend = report::printable(finding.mend);
    const std::string line = fmt::format("{} {}", mark_of(finding.verdict, paint), text);
    if (mend.empty()) {
        return line + "\n";
    }
    const bool fits = width_of(text) + width_of(mend) + 9 <= kWidth;
    return line + (fits ? "     " : "\n    ") + "→ " + paint.strong(mend) + "\n";
}

std::size_t count(const std::vector<Finding>& findings, Verdict verdict) {
    return static_cast<std::size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

std::string summary_of(const std::vector<Finding>& findings) {
    const std::size_t failures = count(findings, Verdict::failure);
    const std::size_t warnings = count(findings, Verdict::warning);
    const std::size_t skipped = count(findings, Verdict::skipped);
    if (failures + warnings + skipped == 0) {
        return "all is well\n";
    }
    std::string text;
    const auto add = [&text](std::size_t number, const char* one, const char* many) {
        if (number > 0) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, number == 1 ? one : many);
        }
    };
    add(failures, "failure", "failures");
    add(warnings, "warning", "warnings");
    add(skipped, "not looked at", "not looked at");
    return text + "\n";
}

}  // namespace

std::string doctor_screen(const std::vector<Finding>& findings, const Paint& paint) {
    std::string text;
    for (const Finding& finding : sorted(findings)) {
        text += line_of(finding, paint);
    }
    return text + summary_of(findings);
}

json doctor_document(const std::vector<Finding>& findings) {
    json list = json::array();
    for (const Finding& finding : sorted(findings)) {
        list.push_back({{"id", finding.id},
                        {"verdict", doctor::name_of(finding.verdict)},
                        {"text", finding.text},
                        {"mend", finding.mend}});
    }
    return {{"schema", "farewell/doctor/v1"},
            {"failures", count(findings, Verdict::failure)},
            {"warnings", count(findings, Verdict::warning)},
            {"skipped", count(findings, Verdict::skipped)},
            {"findings", std::move(list)}};
}

report::ExitStatus doctor_status(const std::vector<Finding>& findings) {
    if (count(findings, Verdict::failure) > 0) {
        return report::ExitStatus::failure;
    }
    if (count(findings, Verdict::warning) > 0) {
        return report::ExitStatus::degraded;
    }
    return count(findings, Verdict::skipped) > 0 ? report::ExitStatus::no_permission : report::ExitStatus::ok;
}

}  // namespace farewell::cli

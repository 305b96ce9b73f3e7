// SPDX-License-Identifier: GPL-2.0-or-later
// Findings by their verdict.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "doctor/finding.hpp"

namespace farewell::doctor {

[[nodiscard]] inline std::optional<Finding> well(std::string text) {
    return Finding{.verdict = Verdict::well, .text = std::move(text), .mend = {}};
}
[[nodiscard]] inline std::optional<Finding> note(std::string text, std::string mend = "") {
    return Finding{.verdict = Verdict::note, .text = std::move(text), .mend = std::move(mend)};
}
[[nodiscard]] inline std::optional<Finding> skipped(std::string text, std::string mend) {
    return Finding{.verdict = Verdict::skipped, .text = std::move(text), .mend = std::move(mend)};
}
[[nodiscard]] inline std::optional<Finding> warning(std::string text, std::string mend) {
    return Finding{.verdict = Verdict::warning, .text = std::move(text), .mend = std::move(mend)};
}
[[nodiscard]] inline std::optional<Finding> failure(std::string text, std::string mend) {
    return Finding{.verdict = Verdict::failure, .text = std::move(text), .mend = std::move(mend)};
}

}  // namespace farewell::doctor

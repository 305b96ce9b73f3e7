// SPDX-License-Identifier: GPL-2.0-or-later
// Facts in, findings out: every check of doctor by its name. Pure. docs/troubleshooting.md has a section for
// each.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "doctor/facts.hpp"
#include "doctor/finding.hpp"

namespace farewell::doctor {

struct Check {
    std::string_view id;
    /// nullopt: it does not apply here.
    std::optional<Finding> (*judge)(const Facts&);
};

/// All of them, in the order in which they are shown.
[[nodiscard]] std::vector<Check> checks();

[[nodiscard]] std::vector<Finding> judge(const Facts& facts);

// By where they are written.

[[nodiscard]] std::span<const Check> daemon_checks();
[[nodiscard]] std::span<const Check> rule_checks();
[[nodiscard]] std::span<const Check> host_checks();

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
// What `farewell doctor` shows of its findings, and the exit status they stand for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/paint.hpp"
#include "doctor/finding.hpp"
#include "report/exit_status.hpp"

namespace farewell::cli {

[[nodiscard]] std::string doctor_screen(const std::vector<doctor::Finding>& findings, const Paint& paint);
/// farewell/doctor/v1.
[[nodiscard]] nlohmann::json doctor_document(const std::vector<doctor::Finding>& findings);
/// Failures weigh more than warnings, and these more than what could not be looked at.
[[nodiscard]] report::ExitStatus doctor_status(const std::vector<doctor::Finding>& findings);

}  // namespace farewell::cli

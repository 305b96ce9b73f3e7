// SPDX-License-Identifier: GPL-2.0-or-later
// In what two texts differ, line by line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace farewell::cli {

/// The lines that only one of the two has, in their order: "- " before those of `before`, "+ " before those
/// of `after`. Empty if they are equal. For texts of some hundred lines: time and memory are their product.
[[nodiscard]] std::vector<std::string> line_diff(std::string_view before, std::string_view after);

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// "Did you mean": the nearest known word to a mistyped one.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace farewell::report {

/// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) away from `typed`, if it
/// is near enough to be a likely slip: at most a third of its length, and at least one edit is allowed.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view typed,
                                                      std::span<const std::string_view> candidates);

}  // namespace farewell::report

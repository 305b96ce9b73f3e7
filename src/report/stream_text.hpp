// SPDX-License-Identifier: GPL-2.0-or-later
// A stream as a whole.
#pragma once

#include <expected>
#include <iosfwd>
#include <string>

namespace farewell::report {

/// All that is left of it. The error is an errno: of a directory, which opens like a file, EISDIR.
[[nodiscard]] std::expected<std::string, int> rest_of(std::istream& stream);

}  // namespace farewell::report

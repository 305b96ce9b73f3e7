// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a file as a whole or not at all: into a new one beside it, which then takes its place.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace farewell::cli {

/// `-` is stdout. What is there already and no ordinary file (a device, a pipe) is written to as it is; a
/// link stays a link. The error is a sentence with the path and the errno in words.
[[nodiscard]] std::expected<void, std::string> write_file(const std::string& path, std::string_view content);

}  // namespace farewell::cli

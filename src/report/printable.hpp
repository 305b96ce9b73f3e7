// SPDX-License-Identifier: GPL-2.0-or-later
// Text that others have made (names of programs, interfaces and files, notes), fit to stand in a line that
// people read: on a terminal, in a log, on a page. It is kept as it is, and made printable on its way out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace farewell::report {

/// What would steer a terminal, break the line or turn its direction round, and bytes that are not UTF-8,
/// as `\x1b` byte by byte; everything else as it is.
[[nodiscard]] std::string printable(std::string_view text);

/// Whether it is left as it is. What is not lies below U+10000.
[[nodiscard]] bool is_printable(char32_t character);

/// The next character of UTF-8 text, taken off its front; nullopt for a byte that is part of none. `text` is
/// not empty.
[[nodiscard]] std::optional<char32_t> take_character(std::string_view& text);

}  // namespace farewell::report

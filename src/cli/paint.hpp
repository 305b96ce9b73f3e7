// SPDX-License-Identifier: GPL-2.0-or-later
// Colour on terminals: what it means, and when there is none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace farewell::cli {

enum class Colour : std::uint8_t { automatic, always, never };

/// Whether to colour what goes to `fd`. Automatic: on a terminal that is not dumb, unless NO_COLOR is set
/// and not empty (no-color.org).
[[nodiscard]] bool is_coloured(Colour wanted, int fd);

/// Wraps text in SGR sequences (ECMA-48 8.3.117), or leaves it as it is.
class Paint {
 public:
    explicit Paint(bool on) : on_(on) {}

    [[nodiscard]] std::string good(std::string_view text) const { return wrapped("32", text); }
    [[nodiscard]] std::string warning(std::string_view text) const { return wrapped("33", text); }
    [[nodiscard]] std::string bad(std::string_view text) const { return wrapped("31", text); }
    [[nodiscard]] std::string strong(std::string_view text) const { return wrapped("1", text); }
    [[nodiscard]] std::string faint(std::string_view text) const { return wrapped("2", text); }

 private:
    [[nodiscard]] std::string wrapped(std::string_view code, std::string_view text) const;
    bool on_;
};

}  // namespace farewell::cli

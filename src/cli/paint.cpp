// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/paint.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace farewell::cli {

bool is_coloured(Colour wanted, int fd) {
    if (wanted != Colour::automatic) {
        return wanted == Colour::always;
    }
    // Read before there is a second thread.
    const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
    const char* terminal = std::getenv("TERM");      // NOLINT(concurrency-mt-unsafe)
    const bool is_refused = no_color != nullptr && *no_color != '\0';
    return !is_refused && terminal != nullptr && std::string_view(terminal) != "dumb" && isatty(fd) == 1;
}

std::string Paint::wrapped(std::string_view code, std::string_view text) const {
    return on_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
}

}  // namespace farewell::cli

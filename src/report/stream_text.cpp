// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/stream_text.hpp"

#include <array>
#include <cerrno>
#include <istream>

namespace farewell::report {

std::expected<std::string, int> rest_of(std::istream& stream) {
    std::string text;
    std::array<char, 4096> part{};
    errno = 0;
    while (stream) {
        // Not by iterators or operator<<: those tell of a failure by an exception, or by nothing at all.
        stream.read(part.data(), part.size());
        text.append(part.data(), static_cast<std::size_t>(stream.gcount()));
    }
    if (stream.bad()) {
        return std::unexpected(errno != 0 ? errno : EIO);
    }
    return text;
}

}  // namespace farewell::report

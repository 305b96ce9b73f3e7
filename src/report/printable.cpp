// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace farewell::report {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};
constexpr std::array kNotPrintable{
    Range{0x0000, 0x001f},  // controls
    Range{0x007f, 0x009f},  // more of them: U+009B is what ESC [ is
    Range{0x061c, 0x061c}, Range{0x200e, 0x200f}, Range{0x202a, 0x202e}, Range{0x2066, 0x2069},  // directions
    Range{0x2028, 0x2029},  // ends of lines and paragraphs
};

/// Of the characters that take so many bytes, the first; a smaller one in as many is not UTF-8.
constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};

std::size_t length_after(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
}

std::optional<char32_t> decoded(std::string_view bytes, std::size_t length) {
    if (length == 0 || bytes.size() < length) {
        return std::nullopt;
    }
    const auto first = static_cast<unsigned char>(bytes.front());
    char32_t character = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(bytes[i]);
        if ((next & 0xc0U) != 0x80U) {
            return std::nullopt;
        }
        character = character << 6U | (next & 0x3fU);
    }
    const bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
    return character < kSmallest.at(length) || is_surrogate || character > 0x10ffff
               ? std::nullopt
               : std::optional(character);
}

}  // namespace

std::optional<char32_t> take_character(std::string_view& text) {
    const std::size_t length = length_after(static_cast<unsigned char>(text.front()));
    const auto character = decoded(text, length);
    text.remove_prefix(character ? length : 1);
    return character;
}

bool is_printable(char32_t character) {
    return std::ranges::none_of(kNotPrintable, [character](const Range& range) {
        return character >= range.first && character <= range.last;
    });
}

std::string printable(std::string_view text) {
    std::string line;
    line.reserve(text.size());
    while (!text.empty()) {
        const std::string_view before = text;
        const auto character = take_character(text);
        const std::string_view bytes = before.substr(0, before.size() - text.size());
        if (character && is_printable(*character)) {
            line += bytes;
            continue;
        }
        for (const char byte : bytes) {
            line += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
        }
    }
    return line;
}

}  // namespace farewell::report

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/canvas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/printable.hpp"

namespace farewell::cli::watch {
namespace {

struct Look {
    std::uint8_t of_256;
    std::uint8_t of_16;  // an SGR parameter
};
// Those of sources are as far apart as eight can be while none is taken for the red of a ban.
constexpr std::array<Look, static_cast<std::size_t>(Ink::source) + kSourceInks> kLooks{{
    {.of_256 = 0, .of_16 = 39},
    {.of_256 = 245, .of_16 = 90},
    {.of_256 = 41, .of_16 = 32},
    {.of_256 = 220, .of_16 = 33},
    {.of_256 = 196, .of_16 = 31},
    {.of_256 = 39, .of_16 = 36},
    {.of_256 = 118, .of_16 = 92},
    {.of_256 = 213, .of_16 = 35},
    {.of_256 = 51, .of_16 = 96},
    {.of_256 = 141, .of_16 = 95},
    {.of_256 = 229, .of_16 = 93},
    {.of_256 = 75, .of_16 = 34},
    {.of_256 = 208, .of_16 = 94},
}};

/// The next character of UTF-8 text, taken off its front; `?` for what cannot be shown in one cell.
char32_t take_glyph(std::string_view& text) {
    const auto character = report::take_character(text);
    // Combining ones take no cell, and from U+2E80 on characters take two.
    const bool is_shown = character && report::is_printable(*character) &&
                          (*character < 0x300 || *character >= 0x370) && *character < 0x2e80;
    return is_shown ? *character : U'?';
}

void append_utf8(std::string& text, char32_t glyph) {
    if (glyph < 0x80) {
        text += static_cast<char>(glyph);
    } else if (glyph < 0x800) {
        text += static_cast<char>(0xc0U | glyph >> 6U);
        text += static_cast<char>(0x80U | (glyph & 0x3fU));
    } else {
        text += static_cast<char>(0xe0U | glyph >> 12U);
        text += static_cast<char>(0x80U | (glyph >> 6U & 0x3fU));
        text += static_cast<char>(0x80U | (glyph & 0x3fU));
    }
}

std::string sgr_of(const Style& style, Palette palette) {
    std::string text = "\033[0";
    text += style.bold ? ";1" : "";
    text += style.reversed ? ";7" : "";
    if (style.ink != Ink::plain && palette != Palette::none) {
        const Look look = kLooks.at(static_cast<std::size_t>(style.ink));
        text +=
            palette == Palette::many ? fmt::format(";38;5;{}", look.of_256) : fmt::format(";{}", look.of_16);
    }
    return text + "m";
}

}  // namespace

Canvas::Canvas(Size size)
    : size_{.width = std::max(size.width, 1), .height = std::max(size.height, 1)},
      cells_(static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(size_.height)) {}

void Canvas::put(int x, int y, char32_t glyph, Style style) {
    if (x >= 0 && x < size_.width && y >= 0 && y < size_.height) {
        cells_[place(x, y)] = {.glyph = glyph, .style = style};
    }
}

int Canvas::write(int x, int y, std::string_view text, Style style, int width) {
    width = std::min(width, size_.width - x);
    int used = 0;
    while (!text.empty() && used < width) {
        const char32_t glyph = take_glyph(text);
        put(x + used, y, used + 1 == width && !text.empty() ? U'…' : glyph, style);
        ++used;
    }
    return used;
}

void Canvas::fill(int x, int y, int width, int height, Style style) {
    for (int row = y; row < y + height; ++row) {
        for (int column = x; column < x + width; ++column) {
            put(column, row, U' ', style);
        }
    }
}

void Canvas::restrict_to_ascii() {
    for (Cell& cell : cells_) {
        if (cell.glyph > 0x7e) {
            cell.glyph = cell.glyph == U'…' ? U'~' : U'?';
        }
    }
}

std::string Canvas::row_text(int y) const {
    std::string text;
    for (int x = 0; x < size_.width; ++x) {
        append_utf8(text, at(x, y).glyph);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

std::string difference(const Canvas* before, const Canvas& after, Palette palette) {
    const bool is_comparable = before != nullptr && before->size() == after.size();
    std::string text = is_comparable ? "" : "\033[0m\033[2J";
    for (int y = 0; y < after.size().height; ++y) {
        bool differs = !is_comparable;
        for (int x = 0; !differs && x < after.size().width; ++x) {
            differs = before->at(x, y) != after.at(x, y);
        }
        if (!differs) {
            continue;
        }
        text += fmt::format("\033[{};1H", y + 1);
        Style style = after.at(0, y).style;
        text += sgr_of(style, palette);
        for (int x = 0; x < after.size().width; ++x) {
            const Cell& cell = after.at(x, y);
            if (cell.style != style) {
                style = cell.style;
                text += sgr_of(style, palette);
            }
            append_utf8(text, cell.glyph);
        }
        text += "\033[0m";
    }
    return text;
}

}  // namespace farewell::cli::watch

// SPDX-License-Identifier: GPL-2.0-or-later
// A screenful of cells, and the text that turns one into the next. Pure: nothing here knows a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farewell::cli::watch {

/// What a cell means; a palette says how that looks. Sources are told apart by the last ones.
enum class Ink : std::uint8_t { plain, faint, good, warning, bad, source };
inline constexpr std::uint8_t kSourceInks = 8;
[[nodiscard]] constexpr Ink source_ink(std::size_t hash) {
    return static_cast<Ink>(static_cast<std::uint8_t>(Ink::source) + hash % kSourceInks);
}

enum class Palette : std::uint8_t { none, sixteen, many };

struct Style {
    Ink ink = Ink::plain;
    bool bold = false;
    bool reversed = false;
    friend bool operator==(const Style&, const Style&) = default;
};

struct Cell {
    char32_t glyph = U' ';
    Style style;
    friend bool operator==(const Cell&, const Cell&) = default;
};

struct Size {
    int width = 80;
    int height = 24;
    friend bool operator==(const Size&, const Size&) = default;
};

class Canvas {
 public:
    explicit Canvas(Size size);

    [[nodiscard]] Size size() const { return size_; }
    [[nodiscard]] const Cell& at(int x, int y) const { return cells_[place(x, y)]; }
    /// Outside of the canvas nothing happens.
    void put(int x, int y, char32_t glyph, Style style = {});
    /// UTF-8 text from (x, y) on, at most `width` cells; a last `…` says that there was more. What is no
    /// ordinary character of one cell becomes `?`. Returns the cells used.
    int write(int x, int y, std::string_view text, Style style = {}, int width = 10'000);
    void fill(int x, int y, int width, int height, Style style = {});
    /// For terminals that show nothing else.
    void restrict_to_ascii();
    /// One row as UTF-8, without styles and trailing spaces.
    [[nodiscard]] std::string row_text(int y) const;

 private:
    [[nodiscard]] std::size_t place(int x, int y) const {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(size_.width) +
               static_cast<std::size_t>(x);
    }

    Size size_;
    std::vector<Cell> cells_;
};

/// What to send to a terminal that shows `before` (nullptr: anything) so that it shows `after`: ECMA-48,
/// whole rows, only those that differ.
[[nodiscard]] std::string difference(const Canvas* before, const Canvas& after, Palette palette);

}  // namespace farewell::cli::watch

// SPDX-License-Identifier: GPL-2.0-or-later
// Dots at a finer grain than cells: eight to a cell, as braille has them. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/watch/canvas.hpp"

namespace farewell::cli::watch {

class Raster {
 public:
    static constexpr int kDotsAcross = 2;  // of a cell
    static constexpr int kDotsDown = 4;

    /// In cells.
    Raster(int width, int height);
    /// A dot, counted from the top left. Of several in a cell the one with the highest rank colours it, of
    /// equals the last.
    void dot(int x, int y, Style style, int rank);
    /// `with_braille`: otherwise how many dots there are, in ASCII.
    void draw(Canvas& canvas, int x, int y, bool with_braille) const;

 private:
    struct Dots {
        std::uint8_t mask = 0;
        int rank = -1;
        Style style;
    };
    int width_;
    int height_;
    std::vector<Dots> cells_;
};

}  // namespace farewell::cli::watch

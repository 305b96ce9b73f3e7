// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/raster.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace farewell::cli::watch {
namespace {

// Unicode's order of braille dots: the left column 1 2 3 7, the right one 4 5 6 8.
constexpr std::array<std::array<std::uint8_t, Raster::kDotsAcross>, Raster::kDotsDown> kBits{
    {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}};
constexpr char32_t kNoDots = 0x2800;

char32_t in_ascii(std::uint8_t mask) {
    const int dots = std::popcount(mask);
    return dots <= 1 ? U'.' : dots <= 3 ? U':' : U'#';
}

}  // namespace

Raster::Raster(int width, int height)
    : width_(std::max(width, 0)),
      height_(std::max(height, 0)),
      cells_(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_)) {}

void Raster::dot(int x, int y, Style style, int rank) {
    if (x < 0 || y < 0 || x >= width_ * kDotsAcross || y >= height_ * kDotsDown) {
        return;
    }
    Dots& dots = cells_[static_cast<std::size_t>(y / kDotsDown) * static_cast<std::size_t>(width_) +
                        static_cast<std::size_t>(x / kDotsAcross)];
    dots.mask |=
        kBits.at(static_cast<std::size_t>(y % kDotsDown)).at(static_cast<std::size_t>(x % kDotsAcross));
    if (rank >= dots.rank) {
        dots.rank = rank;
        dots.style = style;
    }
}

void Raster::draw(Canvas& canvas, int x, int y, bool with_braille) const {
    for (int row = 0; row < height_; ++row) {
        for (int column = 0; column < width_; ++column) {
            const Dots& dots = cells_[static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) +
                                      static_cast<std::size_t>(column)];
            if (dots.mask != 0) {
                canvas.put(x + column, y + row, with_braille ? kNoDots + dots.mask : in_ascii(dots.mask),
                           dots.style);
            }
        }
    }
}

}  // namespace farewell::cli::watch

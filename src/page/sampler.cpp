// SPDX-License-Identifier: GPL-2.0-or-later
#include "page/sampler.hpp"

#include <algorithm>
#include <utility>

namespace farewell::page {

std::vector<Point> Sampler::take() {
    std::vector<Point> points = std::move(first_);
    points.insert(points.end(), sample_.begin(), sample_.end());
    sample_.clear();
    std::ranges::stable_sort(points, {}, &Point::at);
    return points;
}

}  // namespace farewell::page

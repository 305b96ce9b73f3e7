// SPDX-License-Identifier: GPL-2.0-or-later
// Dots for the raster out of a stream of any length: the first ones of every source, so that a slow scanner
// is not lost beside a fast one, and of the rest a random sample in which each is as likely as any other.
//
// Memory:   kPointsMax dots, whatever the length of the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "page/document.hpp"

namespace farewell::page {

class Sampler {
 public:
    static constexpr std::uint32_t kFirstOfEach = 32;
    static constexpr std::size_t kFirstMax = kPointsMax / 3;

    /// `of_source`: how many of its source came before this one.
    void add(const Point& point, std::uint64_t of_source) {
        ++seen_;
        if (of_source < kFirstOfEach && first_.size() < kFirstMax) {
            first_.push_back(point);
            if (first_.size() + sample_.size() > kPointsMax) {  // a random one makes room
                sample_[below(sample_.size())] = sample_.back();
                sample_.pop_back();
            }
            return;
        }
        ++offered_;
        if (first_.size() + sample_.size() < kPointsMax) {
            sample_.push_back(point);
            return;
        }
        if (const std::uint64_t place = below(offered_); place < sample_.size()) {
            sample_[place] = point;
        }
    }

    [[nodiscard]] std::uint64_t seen() const { return seen_; }
    /// In order of time. Nothing can be added after that.
    [[nodiscard]] std::vector<Point> take();

 private:
    std::uint64_t below(std::uint64_t limit) {
        return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
    }

    std::vector<Point> first_;
    std::vector<Point> sample_;
    std::uint64_t seen_ = 0;
    std::uint64_t offered_ = 0;  // to the sample
    std::mt19937_64 random_;     // always the same: one capture, one page
};

}  // namespace farewell::page

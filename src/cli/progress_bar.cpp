// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "report/quantity_text.hpp"

namespace farewell::cli {

ProgressBar::ProgressBar(std::uint64_t total, Unit unit, bool wanted)
    : total_(total),
      unit_(unit),
      wanted_(wanted && total > 0 && isatty(STDERR_FILENO) == 1),
      last_drawn_(std::chrono::steady_clock::now()) {}

void ProgressBar::add(std::uint64_t more) {
    constexpr std::chrono::milliseconds kBetweenDrawings{100};
    done_ = std::min(done_ + more, total_);
    const auto now = std::chrono::steady_clock::now();
    if (wanted_ && now - last_drawn_ >= kBetweenDrawings) {
        last_drawn_ = now;
        draw();
    }
}

void ProgressBar::draw() {
    constexpr std::size_t kWidth = 40;
    const double part = static_cast<double>(done_) / static_cast<double>(total_);
    const auto filled = static_cast<std::size_t>(part * kWidth);
    fmt::print(stderr, "\r\x1b[K[{:#<{}}{:-<{}}] {:3.0f} %  {} of {}", "", filled, "", kWidth - filled,
               part * 100, text_of(done_), text_of(total_));
    std::fflush(stderr);
    shown_ = true;
}

std::string ProgressBar::text_of(std::uint64_t amount) const {
    return unit_ == Unit::bytes ? report::size_to_text(amount) : fmt::format("{}", amount);
}

void ProgressBar::clear() {
    if (shown_) {
        fmt::print(stderr, "\r\x1b[K");
        std::fflush(stderr);
        shown_ = false;
    }
}

}  // namespace farewell::cli

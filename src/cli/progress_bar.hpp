// SPDX-License-Identifier: GPL-2.0-or-later
// How far a long job is, on the terminal behind stderr; nothing at all if that is no terminal.
#pragma once

#include <chrono>
#include <cstdint>

namespace farewell::cli {

class ProgressBar {
 public:
    /// `total` in bytes.
    ProgressBar(std::uint64_t total, bool wanted);
    ~ProgressBar() { clear(); }
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void add(std::uint64_t bytes);
    /// Takes the bar off the screen; the next add draws it anew. Before anything else is printed.
    void clear();

 private:
    void draw();

    std::uint64_t total_;
    std::uint64_t done_ = 0;
    bool shown_ = false;
    bool wanted_;
    std::chrono::steady_clock::time_point last_drawn_;
};

}  // namespace farewell::cli

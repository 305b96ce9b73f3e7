// SPDX-License-Identifier: GPL-2.0-or-later
// How far a long job is, on the terminal behind stderr; nothing at all if that is no terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace farewell::cli {

class ProgressBar {
 public:
    enum class Unit : std::uint8_t { bytes, bans };
    ProgressBar(std::uint64_t total, Unit unit, bool wanted);
    ~ProgressBar() { clear(); }
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void add(std::uint64_t more);
    /// Takes the bar off the screen; the next add draws it anew. Before anything else is printed.
    void clear();

 private:
    void draw();
    [[nodiscard]] std::string text_of(std::uint64_t amount) const;

    std::uint64_t total_;
    Unit unit_;
    std::uint64_t done_ = 0;
    bool shown_ = false;
    bool wanted_;
    std::chrono::steady_clock::time_point last_drawn_;
};

}  // namespace farewell::cli

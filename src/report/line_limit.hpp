// SPDX-License-Identifier: GPL-2.0-or-later
// A limit on log lines of one kind: the first ones of every second are written, the rest are counted, and the
// count is told when the second is over. A forged flood then costs a line a second, not a disk.
#pragma once

#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace farewell::report {

class LineLimit {
 public:
    explicit LineLimit(std::uint32_t lines_per_second) : lines_per_second_(lines_per_second) {}

    /// Whether one more line may be written now; if not, it is counted.
    [[nodiscard]] bool admit(core::Time now) {
        if (now - second_began_ >= std::chrono::seconds(1)) {
            second_began_ = now;
            written_ = 0;
        }
        if (written_ < lines_per_second_) {
            ++written_;
            return true;
        }
        ++held_back_;
        return false;
    }

    /// How many lines were held back, once the second in which they fell is over.
    [[nodiscard]] std::optional<std::uint64_t> take_held_back(core::Time now) {
        if (held_back_ == 0 || now - second_began_ < std::chrono::seconds(1)) {
            return std::nullopt;
        }
        const std::uint64_t count = held_back_;
        held_back_ = 0;
        return count;
    }

 private:
    std::uint32_t lines_per_second_;
    std::uint32_t written_ = 0;
    std::uint64_t held_back_ = 0;
    core::Time second_began_{};  // the clock starts at boot: no real second is lost
};

}  // namespace farewell::report

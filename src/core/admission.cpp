// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/admission.hpp"

#include <algorithm>

#include "core/keyed_mix.hpp"

namespace farewell::core {

Admission::Admission(std::size_t memory_bytes, std::size_t records, std::uint64_t hash_key)
    : lines_(memory_bytes / sizeof(Line)),
      records_(static_cast<double>(records)),
      hash_key_(hash_key),
      allowance_(records_ / 16) {}

std::size_t Admission::line_of(std::uint64_t hash) const {
    return place_of(hash, lines_.size());
}

bool Admission::admit(std::uint64_t hash, std::uint32_t what, Time now) {
    if (now - interval_began_ >= kInterval) {
        end_interval(now);
    }
    if (bar_ == 1) {
        ++reached_[1];
        if (passes(1)) {
            return true;
        }
    }
    return passes(count(hash, what));
}

bool Admission::passes(std::uint32_t count) {
    if (count < bar_) {
        return false;
    }
    if (allowance_ >= 1) {
        allowance_ -= 1;
        ++admitted_;
        return true;
    }
    if (bar_ < kBarMax) {
        ++bar_;
        allowance_ = records_ / 64;
    } else {
        overrun_ = true;
    }
    return false;
}

std::uint32_t Admission::count(std::uint64_t hash, std::uint32_t what) {
    Line& line = lines_[line_of(hash)];
    const auto tag = static_cast<std::uint16_t>(hash >> 16U);
    const auto port = static_cast<std::uint8_t>(keyed_mix(what, hash_key_) >> 60U);
    std::size_t found = 0;
    while (found < kCellsPerLine && (line.tag[found] != tag || line.state[found] == 0)) {
        ++found;
    }
    std::uint32_t count = 1;
    if (found < kCellsPerLine) {
        const std::uint32_t known = line.state[found];
        const bool climbs = (known & 0x0fU) != port;
        count = std::min((known >> 4U) + (climbs ? 1 : 0), kBarMax);
        reached_[count] += climbs ? 1 : 0;
    } else {
        ++reached_[1];
    }
    const auto moved = static_cast<std::ptrdiff_t>(std::min(found, kCellsPerLine - 1));
    std::move_backward(line.tag.begin(), line.tag.begin() + moved, line.tag.begin() + moved + 1);
    std::move_backward(line.state.begin(), line.state.begin() + moved, line.state.begin() + moved + 1);
    line.tag[0] = tag;
    line.state[0] = static_cast<std::uint8_t>(count << 4U | port);
    return count;
}

void Admission::end_interval(Time now) {
    const double seconds = std::chrono::duration<double>(now - interval_began_).count();
    const double fair = records_ / std::chrono::duration<double>(kTurnover).count() * seconds;
    allowance_ = std::min(allowance_ + fair, records_ / 16);
    while (bar_ > 1 && reached_[bar_ - 1] <= fair / 2) {
        --bar_;
    }
    new_per_second_ = reached_[1] / seconds;
    admitted_per_second_ = static_cast<double>(admitted_) / seconds;
    was_overrun_ = overrun_;
    reached_ = {};
    admitted_ = 0;
    overrun_ = false;
    interval_began_ = now;
}

Time::duration Admission::remembers_for(Time now) const {
    constexpr double kSafe = 0.4;  // of the mean: the busiest of many lines forgets that much sooner
    if (was_overrun_ || overrun_) {
        return Time::duration::zero();
    }
    const double cells = static_cast<double>(lines_.size() * kCellsPerLine);
    constexpr double kForever = 1e9;
    double seconds = kForever;
    if (now - interval_began_ > 10 * kInterval) {
        return Time::duration::max();
    }
    if (admitted_per_second_ > 0) {
        seconds = std::min(seconds, kSafe * records_ / admitted_per_second_);
    }
    if (bar_ > 1 && new_per_second_ > 0) {
        seconds = std::min(seconds, kSafe * cells / new_per_second_);
    }
    return seconds < kForever
               ? std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(seconds))
               : Time::duration::max();
}

}  // namespace farewell::core

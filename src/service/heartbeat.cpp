// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/heartbeat.hpp"

#include <algorithm>

namespace farewell::service {

bool Heartbeat::have_all_come_round(std::span<const std::uint64_t> rounds) {
    threads_.resize(rounds.size());
    for (std::size_t i = 0; i < rounds.size(); ++i) {
        threads_[i].has_moved = threads_[i].has_moved || threads_[i].rounds != rounds[i];
    }
    if (!std::ranges::all_of(threads_, &Thread::has_moved)) {
        return false;
    }
    for (std::size_t i = 0; i < rounds.size(); ++i) {
        threads_[i] = {.rounds = rounds[i], .has_moved = false};
    }
    return true;
}

std::vector<std::size_t> Heartbeat::missing() const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
        if (!threads_[i].has_moved) {
            places.push_back(i);
        }
    }
    return places;
}

}  // namespace farewell::service

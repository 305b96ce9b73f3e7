// SPDX-License-Identifier: GPL-2.0-or-later
// Events on their way from the engine thread to the recorder's: bounded, without a lock, so that neither ever
// waits for the other.
// Threads: push() one, take_all() one other; size() both. Cost: an event is moved twice.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "history/event.hpp"

namespace farewell::history {

class EventQueue {  // NOLINT(clang-analyzer-optin.performance.Padding): its ends are kept apart
 public:
    EventQueue() : slots_(kCapacity) {}

    /// false: it is full, and the event is dropped.
    bool push(Event event) {
        const std::uint64_t end = end_.load(std::memory_order_relaxed);
        if (end - begin_.load(std::memory_order_acquire) == kCapacity) {
            return false;
        }
        slots_[end % kCapacity] = std::move(event);
        end_.store(end + 1, std::memory_order_release);
        return true;
    }

    [[nodiscard]] std::size_t size() const {
        const std::uint64_t begin = begin_.load(std::memory_order_acquire);
        return end_.load(std::memory_order_acquire) - begin;
    }

    [[nodiscard]] std::vector<Event> take_all() {
        const std::uint64_t end = end_.load(std::memory_order_acquire);
        std::uint64_t begin = begin_.load(std::memory_order_relaxed);
        std::vector<Event> events;
        events.reserve(end - begin);
        for (; begin != end; ++begin) {
            events.push_back(std::move(slots_[begin % kCapacity]));
        }
        begin_.store(begin, std::memory_order_release);
        return events;
    }

    static constexpr std::size_t kCapacity =
        4096;  // a whole table of bans that ends in the same second may be more

 private:
    std::vector<Event> slots_;
    alignas(64) std::atomic<std::uint64_t> begin_{0};
    alignas(64) std::atomic<std::uint64_t> end_{0};
};

}  // namespace farewell::history

// SPDX-License-Identifier: MIT
// A number of the receiving thread that others may look at.
#pragma once

#include <atomic>
#include <cstdint>

namespace farewell::netlink {

/// Written by one thread, read by any: no locked instruction.
struct Counter {
    std::atomic<std::uint64_t> value{0};
    void add(std::uint64_t amount) {
        value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const { return value.load(std::memory_order_relaxed); }
};

}  // namespace farewell::netlink

// SPDX-License-Identifier: MIT
// What the kernel tests of queues share beyond the world they run in. For tests; needs root.
#pragma once

#include <chrono>
#include <expected>
#include <farewell/nfq/queue.hpp>

#include "netlink/kernel_test_world.hpp"

namespace farewell::nfq {

inline std::expected<Queue, Error> open_queue(QueueConfig config = {}) {
    return Queue::open(config);
}

/// One packet, answered with the verdict; returns how many came out at the other end.
inline int outcome(Queue& queue, Loop& loop, const Verdict& verdict) {
    loop.send();
    EXPECT_EQ(queue.receive([&](const Packet&) { return verdict; }, std::chrono::seconds(2)).value(), 1U);
    return loop.received();
}

}  // namespace farewell::nfq

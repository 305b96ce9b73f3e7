// SPDX-License-Identifier: GPL-2.0-or-later
// How probes travel from a receiving thread to whoever judges them: one bounded ring per receiving thread.
// And what wakes the engine thread. Nothing here blocks the producer; a full ring refuses and the caller
// counts.
#pragma once

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <chrono>
#include <cstddef>
#include <span>

#include "core/arrival.hpp"

namespace farewell::source {

/// One producer (a receiving thread), one consumer at a time (daemon/engine_loop.hpp says who). 16384
/// arrivals are about 1.3 MB and 30 ms of probes at half a million a second: longer than any single
/// transaction with nftables.
class ProbeRing {
 public:
    static constexpr std::size_t kCapacity = 16384;

    [[nodiscard]] bool push(const core::Arrival& arrival) { return ring_.push(arrival); }
    /// Takes as many arrivals as there are and fit into `room`, the oldest first; returns those taken.
    std::span<core::Arrival> take(std::span<core::Arrival> room) {
        return room.first(ring_.pop(room.data(), room.size()));
    }
    /// Any thread, of one moment.
    [[nodiscard]] bool empty() { return ring_.read_available() == 0; }

 private:
    boost::lockfree::spsc_queue<core::Arrival, boost::lockfree::capacity<kCapacity>> ring_;
};

/// Wakes the one consumer. ring() costs one atomic operation while the consumer is awake and one write(2) to
/// an eventfd when it sleeps. Protocol of the consumer: announce_sleep(), look once more whether there is
/// work, then sleep() or, if there was work, stay_awake().
class Doorbell {
 public:
    Doorbell();
    ~Doorbell();
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;

    void ring();                                   // any thread
    void announce_sleep();                         // consumer
    void stay_awake();                             // consumer
    void sleep(std::chrono::nanoseconds at_most);  // consumer; returns early when rung

 private:
    int fd_;
    std::atomic<int> asleep_{0};
};

}  // namespace farewell::source

// SPDX-License-Identifier: GPL-2.0-or-later
// What each transaction takes: in the call that carries it out, and until its acknowledgement is read.
#pragma once

#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "bench/nft/timed_sendto.hpp"
#include "nft/forwarding_transport.hpp"

namespace farewell::bench {

inline double seconds_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Timing {
    double wall_seconds;
    double call_seconds = 0;
    double cpu_seconds;  // of this thread: what others do to a busy machine is not in it
};

class TimedTransport final : public nft::ForwardingTransport {
 public:
    TimedTransport(std::unique_ptr<nft::Transport> inner, std::vector<Timing>& timings)
        : ForwardingTransport(std::move(inner)), timings_(timings) {}

    int commit(std::span<const std::byte> batch, std::uint32_t first_sequence,
               std::uint32_t last_sequence) override {
        // To ask for the thread's time is a system call, which is none of the commit's.
        const double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        const double wall = seconds_of(CLOCK_MONOTONIC);
        const int reason = ForwardingTransport::commit(batch, first_sequence, last_sequence);
        const double wall_taken = seconds_of(CLOCK_MONOTONIC) - wall;
        timings_.push_back({.wall_seconds = wall_taken,
                            .call_seconds = last_sendto_seconds(),
                            .cpu_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu});
        return reason;
    }

 private:
    std::vector<Timing>& timings_;
};

}  // namespace farewell::bench

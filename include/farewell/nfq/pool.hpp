// SPDX-License-Identifier: MIT
// A range of queues, each with a socket, a thread and a handler of its own, for `queue num 0-3`.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <vector>

#include <farewell/error.hpp>
#include <farewell/nfq/queue.hpp>

namespace farewell::nfq {

/// Queues first..last, a thread each: one core a queue, nothing shared between them. Own and stop it in one
/// thread.
class Pool {
 public:
    /// What a thread calls with each batch of its queue.
    using Handler = std::function<void(Batch&)>;

    /// Binds all queues first..last with the same configuration, or none. No thread runs yet.
    [[nodiscard]] static std::expected<Pool, Error> open(QueueConfig config, std::uint16_t first,
                                                         std::uint16_t last);
    /// What is moved from may only be destroyed or assigned to.
    Pool(Pool&&) noexcept;
    /// Stops what it was before.
    Pool& operator=(Pool&&) noexcept;
    /// Stops.
    ~Pool();

    /// Starts one thread per queue, once; `handler_for(number)` is called here, each handler is used by its
    /// thread alone. What goes wrong, also a handler that throws, ends that thread: has_failed(), stop().
    void start(const std::function<Handler(std::uint16_t number)>& handler_for);
    /// Answers what is queued, unbinds, joins; within 100 ms of the handlers returning. The first error that
    /// ended a thread before it was asked to, if any did. May be called again.
    std::expected<void, Error> stop();
    /// Whether a thread has ended although nobody asked it to. Any thread.
    [[nodiscard]] bool has_failed() const;
    /// Has every thread that waits for packets come round once, which Stats::system_calls then shows: for a
    /// watchdog that must tell a quiet queue from a thread that is stuck. Any thread.
    void wake();

    /// One queue of the pool.
    struct Member {
        std::uint16_t number = 0;  ///< of the queue
        Stats stats;               ///< as Queue::stats()
    };
    /// Any thread.
    [[nodiscard]] std::vector<Member> stats() const;

 private:
    struct State;
    explicit Pool(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace farewell::nfq

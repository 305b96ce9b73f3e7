// SPDX-License-Identifier: MIT
// What is behind a Queue: one bound queue over one channel. Everything here belongs to the thread that
// receives, but the counters, which any thread may read.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <farewell/nfq/queue.hpp>
#include <memory>
#include <span>
#include <vector>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"

namespace farewell::nfq {

/// Written by one thread, read by any.
struct Counter {
    std::atomic<std::uint64_t> value{0};
    void add(std::uint64_t amount) {
        value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const { return value.load(std::memory_order_relaxed); }
};

struct Queue::State {
    State(const QueueConfig& wanted, std::unique_ptr<netlink::Channel> over);

    /// Gives up the flags that the kernel lacks, and only those.
    std::expected<void, Error> bind();
    void unbind();

    /// Hands over the packets of these datagrams and answers for them. How many there were.
    std::expected<std::size_t, Error> process(std::span<const netlink::Datagram> datagrams,
                                              ErasedHandler handler);
    /// The same for packets that came before the acknowledgement of bind(); one batch.
    std::expected<std::size_t, Error> process_early(ErasedHandler handler);
    /// Answers what is already queued; under a flood, what comes within a limit.
    std::expected<void, Error> drain(ErasedHandler handler);

    QueueConfig config;
    std::unique_ptr<netlink::Channel> channel;
    std::uint32_t flags = 0;

    /// Copies of datagrams, because the ring they came in is used again.
    struct Early {
        std::vector<std::byte> bytes;
        bool truncated = false;
    };
    std::vector<Early> early;
    std::size_t early_done = 0;  // how many of them have their verdicts
    [[nodiscard]] bool has_early() const { return early_done < early.size(); }

    Counter packets_count, batches, verdict_messages, system_calls, lost_in_socket, cut_short, truncated,
        malformed, kernel_errors;

 private:
    int try_bind(std::uint32_t with_flags);
    int acknowledged(std::uint32_t expected_sequence);
    void collect(const netlink::Datagram& datagram);
    void count(const Packet& packet);
    std::expected<void, Error> hand_over(ErasedHandler handler);
    std::expected<void, Error> answer();

    std::uint32_t sequence_ = 0;
    std::uint32_t last_id_ = 0;
    netlink::MessageWriter unsent_;  // verdicts
    std::size_t send_limit_;         // bytes the kernel takes in one go, as far as we know
    std::vector<Packet> packets_;    // of the batch at hand
    std::vector<Verdict> verdicts_;  // one for each
};

}  // namespace farewell::nfq

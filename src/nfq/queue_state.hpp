// SPDX-License-Identifier: MIT
// What is behind a Queue: one bound queue over one channel. Everything here belongs to the thread that
// receives, but the counters, which any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <farewell/nfq/queue.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "netlink/acknowledgement.hpp"
#include "netlink/channel.hpp"
#include "netlink/counter.hpp"
#include "nfq/batch_extras.hpp"
#include "nfq/held_book.hpp"
#include "nfq/outgoing.hpp"
#include "nfq/send_all.hpp"

namespace farewell::nfq {

struct Queue::State {
    State(const QueueConfig& wanted, std::unique_ptr<netlink::Channel> over);
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { held->close(); }  // before the channel goes that they would be sent over

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
    /// One receive that waits for its first packet, and as much longer as the configuration says.
    std::expected<std::span<const netlink::Datagram>, int> receive();
    /// Lets more arrive, where that is asked for and the last batch was not full.
    void let_more_arrive();

    QueueConfig config;
    std::unique_ptr<netlink::Channel> channel;
    std::uint32_t flags = 0;

    std::vector<netlink::KeptDatagram> early;  // came before the acknowledgement of bind()
    std::size_t early_done = 0;                // how many of them have their verdicts
    [[nodiscard]] bool has_early() const { return early_done < early.size(); }

    std::shared_ptr<HeldBook> held;  // with every Held, which may outlive this
    std::optional<KernelStatsReader> kernel_stats;

    netlink::Counter packets_count, batches, verdict_messages, system_calls, lost_in_socket, cut_short,
        truncated, malformed, kernel_errors;

 private:
    int try_bind(std::uint32_t with_flags);
    /// What is learned of the packets of one receive, before it is told.
    struct Collected {
        std::size_t packets = 0;
        std::uint64_t lost = 0;
        std::uint64_t cut_short = 0;
        std::uint64_t truncated = 0;
        std::uint64_t malformed = 0;
        bool ascending = true;  // the ids
    };
    void collect(std::span<const netlink::Datagram> datagrams);
    void count(const Packet& packet, Collected& all);
    void collect_whatever(const netlink::Datagram& datagram, Collected& all);
    void make_room(std::size_t packets);
    std::expected<std::size_t, Error> hand_over_all(ErasedHandler handler);
    std::expected<void, Error> hand_over(std::span<const Packet> packets, ErasedHandler handler);
    void answer(const Batch& batch);

    std::uint32_t sequence_ = 0;
    std::uint32_t last_id_ = 0;
    std::size_t last_received_ = 0;  // datagrams
    Outgoing outgoing_;              // verdicts; those that could not be sent go with the next
    SendLimit send_limit_;
    // Of the receive at hand: packets to be filled, as many as there ever were at once, and how many are.
    std::vector<Packet> packets_ = std::vector<Packet>(kBatchMax);
    Collected collected_;
    std::vector<Verdict> verdicts_ = std::vector(kBatchMax, Verdict::drop());  // of the batch at hand
    BatchExtras extras_;
    bool one_by_one_ = false;              // its verdicts
    std::expected<void, Error> answered_;  // and what became of them
};

}  // namespace farewell::nfq

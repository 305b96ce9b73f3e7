// SPDX-License-Identifier: MIT
// One NFQUEUE queue: open, receive, answer, stop.
//
// Use:      Queue::open, then run() in a thread of your own, or receive() in your loop. The handler gets a
//           Batch of up to 64 packets; what it does not set gets QueueConfig::default_verdict. Every packet
//           gets its verdict when the handler returns, but those it holds (Batch::hold).
// Threads:  one thread calls run() or receive(); wake(), stats() and kernel_stats() from any.
// Cost:     two system calls a batch (recvmmsg, sendmsg); no allocation and no copy of payloads.
// Logs:     nothing. Counts: Stats.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <type_traits>

#include <farewell/error.hpp>
#include <farewell/nfq/batch.hpp>
#include <farewell/nfq/kernel_stats.hpp>
#include <farewell/nfq/packet.hpp>
#include <farewell/nfq/verdict.hpp>

namespace farewell::netlink {
class Channel;
}

namespace farewell::nfq {

/// What of a packet is copied to the program.
enum class CopyMode : std::uint8_t {
    metadata,  ///< no byte of the packet
    payload,   ///< the first copy_range bytes
};

/// The flags are asked for; where the kernel lacks one, the queue opens without it (Queue::active_flags).
struct QueueConfig {
    static constexpr std::uint32_t kCopyRangeMax = 0xffff - 4;  ///< what an attribute can carry
    static constexpr std::size_t kReceiveBufferDefaultMax = std::size_t{64} << 20U;  ///< bytes

    std::uint16_t number = 0;                ///< N of `queue num N`
    CopyMode copy_mode = CopyMode::payload;  ///< metadata costs least
    std::uint32_t copy_range = 128;          ///< bytes of each packet, 0 to kCopyRangeMax; 0 is as metadata
    /// Packets waiting in the kernel before it drops, or lets pass (fail_open). 16384 is a pause of 160 ms at
    /// 100,000 packets a second, and up to 13.6 MB of receive buffer at the default copy range, in use only
    /// while packets wait.
    std::uint32_t max_length = 16384;
    /// Default: room for max_length packets of copy_range bytes, up to kReceiveBufferDefaultMax.
    std::optional<std::size_t> receive_buffer_bytes = std::nullopt;
    Verdict default_verdict = Verdict::drop();  ///< for packets that a handler leaves alone
    bool fail_open = false;                     ///< accept instead of drop when the queue is full
    bool gso = false;        ///< take segments as the stack holds them, up to 64 KiB, instead of one by one
    bool uid_gid = false;    ///< tell the owner of the local socket
    bool conntrack = false;  ///< tell what connection tracking knows of it
    bool security_context = false;  ///< tell the label of the local socket (SELinux)
    /// After the first packet, lets more arrive for this long before they are taken together, so that a
    /// trickle costs one round of system calls for many packets. Their verdicts come that much later, which a
    /// drop does not mind. Zero: at once. Full batches never wait. At most kMaxWaitMax.
    std::chrono::microseconds max_wait{0};
    /// The longest max_wait and load_wait.
    static constexpr std::chrono::milliseconds kMaxWaitMax{50};
    /// In run(): when the last batch had several packets and was not full, lets more arrive for this long
    /// before the next is taken (and as much longer as the thread's timer slack, prctl(2)). Under load that
    /// saves a third of the CPU; a lone packet never waits for it. Zero: never. At most kMaxWaitMax.
    std::chrono::microseconds load_wait{50};
    /// An open /proc/PID/ns/net or /run/netns/NAME: the queue of that network namespace instead of the
    /// calling thread's. Needs CAP_SYS_ADMIN (setns(2)); used by open() alone, and stays the caller's to
    /// close.
    std::optional<int> netns_fd = std::nullopt;
};

/// What a queue has seen and done since it was opened. Numbers only grow.
struct Stats {
    std::uint64_t packets = 0;             ///< handed to the handler
    std::uint64_t batches = 0;             ///< calls of a batch handler
    std::uint64_t verdict_messages = 0;    ///< one may answer many packets
    std::uint64_t system_calls = 0;        ///< receiving and answering
    std::uint64_t lost_in_socket = 0;      ///< exact: gaps in the packet ids; the receive buffer was full
    std::uint64_t cut_short = 0;           ///< packets whose payload the copy range cut
    std::uint64_t truncated_messages = 0;  ///< messages larger than a slot of the receive ring
    std::uint64_t malformed_messages = 0;  ///< left out
    std::uint64_t kernel_errors = 0;       ///< NLMSG_ERROR in the stream: a verdict for a packet that is gone
    std::size_t held = 0;                  ///< packets held back now
    std::size_t receive_buffer_bytes = 0;  ///< what the kernel granted
};

/// A handler takes the batch, or one packet and returns its verdict.
template <typename Handler>
concept BatchHandler = std::invocable<Handler&, Batch&>;
template <typename Handler>
concept PacketHandler = std::invocable<Handler&, const Packet&> &&
                        std::convertible_to<std::invoke_result_t<Handler&, const Packet&>, Verdict>;

/// One bound queue; the head of this file says how it is used, by whom, and what it costs.
class Queue {
 public:
    static constexpr std::size_t kBatchMax = 64;  ///< packets that a handler gets at once

    /// Binds the queue with one acknowledged message: from the kernel's yes on, no packet is lost for want of
    /// setup. Errors: see ErrorKind. Needs CAP_NET_ADMIN now and with every verdict.
    [[nodiscard]] static std::expected<Queue, Error> open(const QueueConfig& config);
    /// What is moved from may only be destroyed or assigned to.
    Queue(Queue&&) noexcept;
    /// Unbinds what it was before.
    Queue& operator=(Queue&&) noexcept;
    /// Unbinds. The kernel drops what is still waiting, also what is held.
    ~Queue();

    /// Receives until the token says stop, then answers what is already queued (for at most 50 ms), unbinds,
    /// returns. After that this Queue is of no further use. What the handler throws comes through, and the
    /// batch gets the default verdict.
    template <typename Handler>
        requires BatchHandler<Handler> || PacketHandler<Handler>
    std::expected<void, Error> run(Handler&& handler, const std::stop_token& stop) {
        auto&& object = as_object(handler);
        return run_erased(erase(object), stop);
    }

    /// One batch, waiting at most `timeout` for its first packet. Returns how many packets there were; 0:
    /// none came in time, or wake() was called.
    template <typename Handler>
        requires BatchHandler<Handler> || PacketHandler<Handler>
    std::expected<std::size_t, Error> receive(Handler&& handler, std::chrono::milliseconds timeout) {
        auto&& object = as_object(handler);
        return receive_erased(erase(object), timeout);
    }

    /// Ends a waiting receive() or run's wait. Any thread.
    void wake();
    /// For poll(2); readable means receive() will not wait.
    [[nodiscard]] int fd() const;
    /// QueueConfig::number.
    [[nodiscard]] std::uint16_t number() const;
    /// Any thread.
    [[nodiscard]] Stats stats() const;
    /// What the kernel counts for this queue: also what it dropped because the queue was full, which leaves
    /// no gap in the ids. Reads /proc, which was opened with the queue; an error where it could not be. Any
    /// thread.
    [[nodiscard]] std::expected<KernelQueueStats, Error> kernel_stats() const;
    /// Which of the flags asked for the kernel took (NFQA_CFG_F_*).
    [[nodiscard]] std::uint32_t active_flags() const;

 private:
    friend class FakeKernel;  // testing.hpp: opens a queue over itself
    friend class CostProbe;   // of the tests: the same, to count what a packet costs
    struct State;
    struct ErasedHandler {
        void* object;
        void (*call)(void* object, Batch& batch);
    };
    /// A plain function is no object; a pointer to it is.
    template <typename Handler>
    static decltype(auto) as_object(Handler& handler) {
        if constexpr (std::is_function_v<Handler>) {
            return &handler;
        } else {
            return (handler);
        }
    }
    template <typename Handler>
    static ErasedHandler erase(Handler& handler) {
        return {.object = const_cast<void*>(static_cast<const void*>(&handler)),
                .call = [](void* object, Batch& batch) {
                    auto& concrete = *static_cast<std::remove_reference_t<Handler>*>(object);
                    if constexpr (BatchHandler<Handler>) {
                        concrete(batch);
                    } else {
                        for (std::size_t i = 0; i < batch.size(); ++i) {
                            batch.set(i, concrete(batch[i]));
                        }
                    }
                }};
    }

    explicit Queue(std::unique_ptr<State> state);
    static std::expected<Queue, Error> open_over(const QueueConfig& config,
                                                 std::unique_ptr<netlink::Channel> channel);
    std::expected<void, Error> run_erased(ErasedHandler handler, const std::stop_token& stop);
    std::expected<std::size_t, Error> receive_erased(ErasedHandler handler,
                                                     std::chrono::milliseconds timeout);

    std::unique_ptr<State> state_;
};

}  // namespace farewell::nfq

// SPDX-License-Identifier: MIT
// One NFLOG group: packets that a rule logs (`log group 7`) and then does with as it says. Where the verdict
// is always the same, this is the cheaper way to see packets: no verdict has to be given, and the kernel
// hands over hundreds in one go.
//
// Use:      Group::open, then run() in a thread of your own, or receive() in your loop. The handler takes a
//           span of packets, or one at a time.
// Threads:  one thread calls run() or receive(); wake() and stats() from any.
// Cost:     one system call for what the kernel has gathered, up to GroupConfig::queue_threshold packets a
//           datagram; no allocation and no copy of payloads.
// Price:    a packet comes up to flush_timeout after it was logged, unless GroupConfig::prompt_below says
//           otherwise.
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
#include <farewell/nflog/packet.hpp>

namespace farewell::netlink {
class Channel;
}

namespace farewell::nflog {

/// What is asked of the kernel; the defaults suit a program that wants to see everything at little cost.
struct GroupConfig {
    static constexpr std::uint32_t kCopyRangeMax = 0xffff;       ///< bytes; NFULA_CFG_MODE takes no more
    static constexpr std::uint32_t kGatherBytesMax = 128 << 10;  ///< NFULNL_NLBUFSIZ_MAX
    static constexpr std::chrono::milliseconds kFlushTimeoutMax{10'000};  ///< longest flush_timeout

    /// N of `log group N`.
    std::uint16_t number = 0;
    /// Bytes of each packet, up to kCopyRangeMax. A rule's own `snaplen` is used where it is smaller.
    std::uint32_t copy_range = 128;
    /// Packets that the kernel gathers before it hands them over. A rule's own `queue-threshold` is used
    /// where it is smaller: leave it out there.
    std::uint32_t queue_threshold = 512;
    /// What it gathers them in (nlbufsiz); at most kGatherBytesMax. The kernel's default of a page holds 23.
    std::uint32_t gather_bytes = kGatherBytesMax;
    /// How long the first of them waits at most; the kernel counts in steps of 10 ms.
    std::chrono::milliseconds flush_timeout{10};
    /// Packets that come slower than so many a second are handed over each at once, for a wake-up and a
    /// system call each; what comes faster is gathered as above. 0: everything is gathered. A change over
    /// takes a message to the kernel (NFULA_CFG_QTHRESH), at most two in ten milliseconds.
    std::uint32_t prompt_below = 0;
    /// Of the socket, forced past net.core.rmem_max; Stats tells what was granted.
    std::size_t receive_buffer_bytes = std::size_t{8} << 20U;
    bool conntrack = false;  ///< ask for connection tracking; see Group::has_conntrack
    /// An open /proc/PID/ns/net or /run/netns/NAME: the group of that network namespace instead of the
    /// calling thread's. Needs CAP_SYS_ADMIN (setns(2)); used by open() alone, stays the caller's to close.
    std::optional<int> netns_fd = std::nullopt;
};

/// What a group has seen since it was opened. Numbers only grow.
struct Stats {
    std::uint64_t packets = 0;         ///< handed to the handler
    std::uint64_t datagrams = 0;       ///< each with what the kernel had gathered
    std::uint64_t system_calls = 0;    ///< receiving
    std::uint64_t lost_in_socket = 0;  ///< exact: gaps in the sequence numbers; the receive buffer was full
    std::uint64_t truncated_datagrams = 0;  ///< larger than a slot of the receive ring
    std::uint64_t malformed_messages = 0;   ///< left out
    std::size_t receive_buffer_bytes = 0;   ///< what the kernel granted
};

/// A handler takes what has come, or one packet.
template <typename Handler>
concept SpanHandler = std::invocable<Handler&, std::span<const Packet>>;
template <typename Handler>
concept PacketHandler = std::invocable<Handler&, const Packet&> && !SpanHandler<Handler>;

/// One bound log group; the head of this file says how it is used, by whom, and what it costs.
class Group {
 public:
    /// Binds the group and sets everything with one acknowledged message. Errors: see ErrorKind. Needs
    /// CAP_NET_ADMIN.
    [[nodiscard]] static std::expected<Group, Error> open(const GroupConfig& config);
    /// What is moved from may only be destroyed or assigned to.
    Group(Group&&) noexcept;
    /// Unbinds what it was before.
    Group& operator=(Group&&) noexcept;
    /// Unbinds.
    ~Group();

    /// Receives until the token says stop, then unbinds, takes what the kernel had gathered, and returns.
    /// After that this Group is of no further use. What the handler throws comes through.
    template <typename Handler>
        requires SpanHandler<Handler> || PacketHandler<Handler>
    std::expected<void, Error> run(Handler&& handler, const std::stop_token& stop) {
        auto&& object = as_object(handler);
        return run_erased(erase(object), stop);
    }

    /// What has come, waiting at most `timeout` for it. Returns how many packets there were; 0: none came in
    /// time, or wake() was called.
    template <typename Handler>
        requires SpanHandler<Handler> || PacketHandler<Handler>
    std::expected<std::size_t, Error> receive(Handler&& handler, std::chrono::milliseconds timeout) {
        auto&& object = as_object(handler);
        return receive_erased(erase(object), timeout);
    }

    /// Ends a waiting receive() or run's wait. Any thread.
    void wake();
    /// For poll(2); readable means receive() will not wait.
    [[nodiscard]] int fd() const;
    /// GroupConfig::number.
    [[nodiscard]] std::uint16_t number() const;
    /// Whether the kernel took GroupConfig::conntrack: it needs nfnetlink_conntrack.
    [[nodiscard]] bool has_conntrack() const;
    /// Any thread.
    [[nodiscard]] Stats stats() const;

 private:
    friend class FakeLog;  // of the tests: opens a group over itself
    struct State;
    struct ErasedHandler {
        void* object;
        void (*call)(void* object, std::span<const Packet> packets);
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
                .call = [](void* object, std::span<const Packet> packets) {
                    auto& concrete = *static_cast<std::remove_reference_t<Handler>*>(object);
                    if constexpr (SpanHandler<Handler>) {
                        concrete(packets);
                    } else {
                        for (const Packet& packet : packets) {
                            concrete(packet);
                        }
                    }
                }};
    }

    explicit Group(std::unique_ptr<State> state);
    static std::expected<Group, Error> open_over(const GroupConfig& config,
                                                 std::unique_ptr<netlink::Channel> channel);
    std::expected<void, Error> run_erased(ErasedHandler handler, const std::stop_token& stop);
    std::expected<std::size_t, Error> receive_erased(ErasedHandler handler,
                                                     std::chrono::milliseconds timeout);

    std::unique_ptr<State> state_;
};

}  // namespace farewell::nflog

// SPDX-License-Identifier: MIT
#include <farewell/nfq/queue.hpp>

#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "netlink/channel.hpp"
#include "netlink/socket.hpp"
#include "nfq/queue_messages.hpp"
#include "nfq/queue_owner.hpp"

namespace farewell::nfq {
namespace {

using netlink::Channel;
using netlink::Datagram;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kAcknowledgementLimit{2};
constexpr std::chrono::milliseconds kDrainLimit{50};
constexpr std::size_t kMetadataRoom = 1024;  // all attributes but the payload, with conntrack's
constexpr int kSendAttempts = 100;

// What a queued packet costs the receive buffer: 832 bytes up to 128 bytes of payload (measured, 6.18); above
// that at most twice what is added, because the allocator rounds up to powers of two.
constexpr std::size_t kSmallCopy = 128;
constexpr std::size_t kSmallCopyCost = 832;

std::size_t payload_bytes(const QueueConfig& config) {
    return config.copy_mode == CopyMode::payload ? config.copy_range : 0;
}

std::size_t receive_buffer_for(const QueueConfig& config) {
    const std::size_t beyond = payload_bytes(config) - std::min(payload_bytes(config), kSmallCopy);
    return config.receive_buffer_bytes.value_or(config.max_length * (kSmallCopyCost + 2 * beyond));
}

Error system_error(std::string operation, int reason) {
    Error error;
    error.operation = std::move(operation);
    error.errno_number = reason;
    if (reason == EPERM || reason == EACCES) {
        error.kind = ErrorKind::no_permission;
    } else if (reason == EPROTONOSUPPORT || reason == EAFNOSUPPORT) {
        error.kind = ErrorKind::not_supported;
    }
    return error;
}

Error bind_error(const QueueConfig& config, int reason, std::uint32_t own_portid) {
    Error error = system_error("bind queue " + std::to_string(config.number), reason);
    // nfnetlink answers EINVAL for a subsystem that is not there and cannot be loaded (nfnetlink_rcv_msg).
    if (reason == EINVAL) {
        error.kind = ErrorKind::not_supported;
    }
    // The kernel says EPERM both for a missing capability and for a queue that another socket holds.
    if (reason == EPERM) {
        if (const auto owner = find_queue_owner(config.number, own_portid)) {
            error.kind = ErrorKind::queue_taken;
            error.owner_portid = owner->portid;
            error.owner_pid = owner->pid;
            error.owner_name = owner->name;
        }
    }
    return error;
}

bool is_valid(const QueueConfig& config) {
    return config.max_length > 0 && config.copy_range <= QueueConfig::kCopyRangeMax;
}

/// Written by one thread, read by any.
struct Counter {
    std::atomic<std::uint64_t> value{0};
    void add(std::uint64_t amount) {
        value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const { return value.load(std::memory_order_relaxed); }
};

}  // namespace

struct Queue::State {
    State(const QueueConfig& wanted, std::unique_ptr<Channel> over)
        : config(wanted), channel(std::move(over)) {
        packets.reserve(kBatchMax);
        verdicts.reserve(kBatchMax);
    }

    std::expected<void, Error> bind();
    int acknowledged(std::uint32_t expected_sequence);
    void unbind();
    std::expected<std::size_t, Error> process(std::span<const Datagram> datagrams, ErasedHandler handler);
    std::expected<std::size_t, Error> process_early(ErasedHandler handler);
    std::expected<void, Error> drain(ErasedHandler handler);
    void collect(const Datagram& datagram);
    void count(const Packet& packet);
    std::expected<void, Error> hand_over(ErasedHandler handler);
    std::expected<void, Error> answer();

    QueueConfig config;
    std::unique_ptr<Channel> channel;
    std::uint32_t flags = 0;
    std::uint32_t sequence = 0;
    netlink::MessageWriter writer;
    std::vector<Packet> packets;               // of the batch at hand
    std::vector<Verdict> verdicts;             // one for each
    std::deque<std::vector<std::byte>> early;  // packets that came while an acknowledgement was awaited
    std::uint32_t last_id = 0;

    Counter packets_count, batches, verdict_messages, system_calls, lost_in_socket, cut_short, truncated,
        malformed, kernel_errors;
};

std::expected<void, Error> Queue::State::bind() {
    flags = wanted_flags(config);
    // Flags the kernel lacks make the whole message fail: they are given up one by one, the newest first.
    constexpr std::array<std::uint32_t, 5> kOptional{NFQA_CFG_F_SECCTX, NFQA_CFG_F_UID_GID, NFQA_CFG_F_GSO,
                                                     NFQA_CFG_F_CONNTRACK, NFQA_CFG_F_FAIL_OPEN};
    auto next_to_give_up = kOptional.begin();
    while (true) {
        writer.clear();
        append_bind(writer, config, flags, ++sequence);
        int reason = channel->send(writer.bytes());
        if (reason == 0) {
            reason = acknowledged(sequence);
        }
        if (reason == 0) {
            return {};
        }
        while (next_to_give_up != kOptional.end() && (flags & *next_to_give_up) == 0) {
            ++next_to_give_up;
        }
        if (reason != EOPNOTSUPP || next_to_give_up == kOptional.end()) {
            return std::unexpected(bind_error(config, reason, channel->portid()));
        }
        flags &= ~*next_to_give_up;
    }
}

/// Waits for the answer to a message; packets that come first are kept. 0 or errno.
int Queue::State::acknowledged(std::uint32_t expected_sequence) {
    const auto deadline = Clock::now() + kAcknowledgementLimit;
    while (true) {
        const auto datagrams = channel->receive_now();
        if (!datagrams) {
            return datagrams.error();
        }
        std::optional<int> answer;
        for (const Datagram& datagram : *datagrams) {
            netlink::MessageReader reader(datagram.bytes);
            while (const auto message = reader.next()) {
                const auto acknowledgement = parse_acknowledgement(*message);
                if (acknowledgement && acknowledgement->sequence == expected_sequence) {
                    answer = acknowledgement->errno_number;
                } else if (is_packet(*message)) {
                    early.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
                }
            }
        }
        if (answer) {
            return *answer;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return ETIMEDOUT;
        }
        if (datagrams->empty()) {
            if (const auto readable = channel->wait(left); !readable) {
                return readable.error();
            }
        }
    }
}

void Queue::State::unbind() {
    writer.clear();
    append_unbind(writer, config.number, ++sequence);
    if (channel->send(writer.bytes()) == 0) {
        acknowledged(sequence);  // whatever it says, the socket is about to close, which unbinds as well
    }
    early.clear();  // the kernel has dropped them with the queue
}

std::expected<std::size_t, Error> Queue::State::process(std::span<const Datagram> datagrams,
                                                        ErasedHandler handler) {
    system_calls.add(1);
    packets.clear();
    for (const Datagram& datagram : datagrams) {
        collect(datagram);
    }
    if (packets.empty()) {
        return 0;
    }
    if (auto handed = hand_over(handler); !handed) {
        return std::unexpected(handed.error());
    }
    return packets.size();
}

/// Answers what is already queued; under a flood, what comes within the limit.
std::expected<void, Error> Queue::State::drain(ErasedHandler handler) {
    const auto deadline = Clock::now() + kDrainLimit;
    while (Clock::now() < deadline) {
        const auto datagrams = channel->receive_now();
        if (!datagrams || datagrams->empty()) {
            break;
        }
        if (auto processed = process(*datagrams, handler); !processed) {
            return std::unexpected(processed.error());
        }
    }
    return {};
}

std::expected<std::size_t, Error> Queue::State::process_early(ErasedHandler handler) {
    const std::size_t count = std::min(early.size(), kBatchMax);
    packets.clear();
    for (std::size_t i = 0; i < count; ++i) {
        collect({.bytes = early[i], .truncated = false});
    }
    if (!packets.empty()) {
        if (auto handed = hand_over(handler); !handed) {
            return std::unexpected(handed.error());
        }
    }
    early.erase(early.begin(), early.begin() + static_cast<std::ptrdiff_t>(count));
    return packets.size();
}

void Queue::State::collect(const Datagram& datagram) {
    truncated.add(datagram.truncated ? 1 : 0);
    netlink::MessageReader reader(datagram.bytes);
    while (const auto message = reader.next()) {
        if (is_packet(*message)) {
            if (const auto packet = parse_packet(*message)) {
                count(*packet);
                packets.push_back(*packet);
            } else {
                malformed.add(1);
            }
        } else if (const auto acknowledgement = parse_acknowledgement(*message)) {
            kernel_errors.add(acknowledgement->errno_number != 0 ? 1 : 0);
        }
    }
    malformed.add(reader.is_malformed() ? 1 : 0);
}

void Queue::State::count(const Packet& packet) {
    packets_count.add(1);
    cut_short.add(packet.is_cut_short() ? 1 : 0);
    // The kernel gives an id before it finds the socket full, and none when the queue itself is: a gap is
    // exactly what was lost in between. Ids wrap.
    constexpr std::uint32_t kHalf = 0x80000000U;
    const std::uint32_t gap = packet.id - last_id - 1;
    if (gap < kHalf) {
        lost_in_socket.add(gap);
        last_id = packet.id;
    }
}

std::expected<void, Error> Queue::State::hand_over(ErasedHandler handler) {
    batches.add(1);
    verdicts.assign(packets.size(), config.default_verdict);
    Batch batch(packets, verdicts);
    try {
        handler.call(handler.object, batch);
    } catch (...) {
        verdicts.assign(packets.size(), config.default_verdict);
        static_cast<void>(answer());  // no packet stays without a verdict; the exception is the news
        throw;
    }
    return answer();
}

std::expected<void, Error> Queue::State::answer() {
    // In order of ids, each run of equal verdicts is one message: those before it have their verdict already,
    // so "up to this id" means just the run. In order is also cheapest where the kernel walks a list to find
    // a packet.
    writer.clear();
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const bool run_ends = i + 1 == packets.size() || verdicts[i + 1] != verdicts[i];
        if (run_ends) {
            append_verdict_up_to(writer, config.number, packets[i].id, verdicts[i]);
            verdict_messages.add(1);
        }
    }
    int reason = 0;
    for (int attempt = 0; attempt < kSendAttempts; ++attempt) {
        system_calls.add(1);
        reason = channel->send(writer.bytes());
        if (reason != ENOBUFS && reason != EAGAIN) {
            break;
        }
    }
    if (reason != 0) {
        return std::unexpected(
            system_error("give verdicts on queue " + std::to_string(config.number), reason));
    }
    return {};
}

Queue::Queue(std::unique_ptr<State> state) : state_(std::move(state)) {}
Queue::Queue(Queue&&) noexcept = default;
Queue& Queue::operator=(Queue&&) noexcept = default;
Queue::~Queue() = default;

std::expected<Queue, Error> Queue::open(const QueueConfig& config) {
    if (!is_valid(config)) {
        return open(config, nullptr);
    }
    const netlink::SocketConfig socket{
        .slots = kBatchMax,
        .slot_bytes = netlink::aligned(payload_bytes(config) + kMetadataRoom),
        .receive_buffer_bytes = receive_buffer_for(config),
    };
    auto channel = netlink::open_socket(socket);
    if (!channel) {
        return std::unexpected(system_error(channel.error().operation, channel.error().errno_number));
    }
    return open(config, std::move(*channel));
}

std::expected<Queue, Error> Queue::open(const QueueConfig& config,
                                        std::unique_ptr<netlink::Channel> channel) {
    if (!is_valid(config)) {
        Error error = system_error("open queue " + std::to_string(config.number), EINVAL);
        error.kind = ErrorKind::invalid_config;
        return std::unexpected(error);
    }
    auto state = std::make_unique<State>(config, std::move(channel));
    if (auto bound = state->bind(); !bound) {
        return std::unexpected(bound.error());
    }
    return Queue(std::move(state));
}

std::expected<void, Error> Queue::run_erased(ErasedHandler handler, std::stop_token stop) {
    State& state = *state_;
    const std::stop_callback wake_up(stop, [this] { wake(); });
    while (!stop.stop_requested()) {
        while (!state.early.empty()) {
            if (auto processed = state.process_early(handler); !processed) {
                return std::unexpected(processed.error());
            }
        }
        // One blocking receive, then the stop token again: a wake-up arrives as a datagram like any other.
        const auto datagrams = state.channel->receive();
        if (!datagrams) {
            if (datagrams.error() == ENOBUFS) {
                continue;  // counted by the id gap it leaves
            }
            return std::unexpected(
                system_error("receive from queue " + std::to_string(state.config.number), datagrams.error()));
        }
        if (auto processed = state.process(*datagrams, handler); !processed) {
            return std::unexpected(processed.error());
        }
    }
    auto drained = state.drain(handler);
    state.unbind();
    return drained;
}

std::expected<std::size_t, Error> Queue::receive_erased(ErasedHandler handler,
                                                        std::chrono::milliseconds timeout) {
    State& state = *state_;
    if (!state.early.empty()) {
        return state.process_early(handler);
    }
    const auto failed = [&](int reason) {
        return std::unexpected(
            system_error("receive from queue " + std::to_string(state.config.number), reason));
    };
    auto datagrams = state.channel->receive_now();
    if (datagrams && datagrams->empty()) {
        state.system_calls.add(2);
        const auto readable = state.channel->wait(timeout);
        if (!readable) {
            return failed(readable.error());
        }
        if (!*readable) {
            return 0;
        }
        datagrams = state.channel->receive_now();
    }
    if (!datagrams) {
        if (datagrams.error() == ENOBUFS) {
            return 0;
        }
        return failed(datagrams.error());
    }
    return state.process(*datagrams, handler);
}

void Queue::wake() {
    netlink::MessageWriter writer;
    append_noop(writer, 0);
    // If the receive buffer is full the acknowledgement is lost, but then nobody waits.
    state_->channel->send(writer.bytes());
}

int Queue::fd() const {
    return state_->channel->fd();
}
std::uint16_t Queue::number() const {
    return state_->config.number;
}
std::uint32_t Queue::active_flags() const {
    return state_->flags;
}

Stats Queue::stats() const {
    const State& state = *state_;
    return {.packets = state.packets_count.get(),
            .batches = state.batches.get(),
            .verdict_messages = state.verdict_messages.get(),
            .system_calls = state.system_calls.get(),
            .lost_in_socket = state.lost_in_socket.get(),
            .cut_short = state.cut_short.get(),
            .truncated_messages = state.truncated.get(),
            .malformed_messages = state.malformed.get(),
            .kernel_errors = state.kernel_errors.get(),
            .receive_buffer_bytes = state.channel->receive_buffer_bytes()};
}

}  // namespace farewell::nfq

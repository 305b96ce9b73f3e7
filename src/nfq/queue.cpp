// SPDX-License-Identifier: MIT
#include <farewell/nfq/queue.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "netlink/channel.hpp"
#include "netlink/errors.hpp"
#include "netlink/socket.hpp"
#include "nfq/queue_state.hpp"

namespace farewell::nfq {
namespace {

constexpr std::size_t kMetadataRoom = 1024;  // all attributes but the payload, with conntrack's

// What a queued packet costs the receive buffer: 832 bytes up to 128 bytes of payload (measured, 6.18); above
// that at most twice what is added, because the allocator rounds up to powers of two.
constexpr std::size_t kSmallCopy = 128;
constexpr std::size_t kSmallCopyCost = 832;

std::size_t payload_bytes(const QueueConfig& config) {
    return config.copy_mode == CopyMode::payload ? config.copy_range : 0;
}

std::size_t receive_buffer_for(const QueueConfig& config) {
    if (config.receive_buffer_bytes) {
        return *config.receive_buffer_bytes;
    }
    const std::size_t beyond = payload_bytes(config) - std::min(payload_bytes(config), kSmallCopy);
    return std::min(config.max_length * (kSmallCopyCost + 2 * beyond), QueueConfig::kReceiveBufferDefaultMax);
}

bool is_valid(const QueueConfig& config) {
    return config.max_length > 0 && config.copy_range <= QueueConfig::kCopyRangeMax &&
           config.max_wait.count() >= 0 && config.max_wait <= QueueConfig::kMaxWaitMax &&
           config.load_wait.count() >= 0 && config.load_wait <= QueueConfig::kMaxWaitMax;
}

Error receive_error(const QueueConfig& config, int reason) {
    return netlink::system_error("receive from queue " + std::to_string(config.number), reason);
}

}  // namespace

Queue::Queue(std::unique_ptr<State> state) : state_(std::move(state)) {}
Queue::Queue(Queue&&) noexcept = default;
Queue& Queue::operator=(Queue&&) noexcept = default;
Queue::~Queue() = default;

std::expected<Queue, Error> Queue::open(const QueueConfig& config) {
    if (!is_valid(config)) {
        return std::unexpected(netlink::invalid_config("open queue " + std::to_string(config.number)));
    }
    const netlink::SocketConfig socket{
        .slots = kBatchMax,
        .slot_bytes = netlink::aligned(payload_bytes(config) + kMetadataRoom),
        .receive_buffer_bytes = receive_buffer_for(config),
        .netns_fd = config.netns_fd,
    };
    auto channel = netlink::open_socket(socket);
    if (!channel) {
        return std::unexpected(
            netlink::system_error(channel.error().operation, channel.error().errno_number));
    }
    auto queue = open_over(config, std::move(*channel));
    if (queue) {
        if (auto reader = KernelStatsReader::open(config.netns_fd)) {
            queue->state_->kernel_stats = std::move(*reader);
        }
    }
    return queue;
}

std::expected<Queue, Error> Queue::open_over(const QueueConfig& config,
                                             std::unique_ptr<netlink::Channel> channel) {
    if (!is_valid(config)) {
        return std::unexpected(netlink::invalid_config("open queue " + std::to_string(config.number)));
    }
    Queue queue(std::make_unique<State>(config, std::move(channel)));
    if (auto bound = queue.state_->bind(); !bound) {
        return std::unexpected(bound.error());
    }
    if (queue.state_->has_early()) {
        queue.wake();  // fd() is readable while there is anything to receive, for those who poll it
    }
    return queue;
}

std::expected<void, Error> Queue::run_erased(ErasedHandler handler, const std::stop_token& stop) {
    State& state = *state_;
    const std::stop_callback wake_up(stop, [this] { wake(); });
    while (!stop.stop_requested()) {
        if (state.has_early()) {
            if (auto processed = state.process_early(handler); !processed) {
                return std::unexpected(processed.error());
            }
            continue;
        }
        // One blocking receive, then the stop token again: a wake-up arrives as a datagram like any other.
        const auto datagrams = state.receive();
        if (!datagrams) {
            if (datagrams.error() == ENOBUFS) {
                continue;  // counted by the id gap it leaves
            }
            return std::unexpected(receive_error(state.config, datagrams.error()));
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
    if (state.has_early()) {
        return state.process_early(handler);
    }
    auto datagrams = state.channel->receive_now();
    if (datagrams && datagrams->empty()) {
        state.system_calls.add(2);
        const auto readable = state.channel->wait(timeout);
        if (!readable) {
            return std::unexpected(receive_error(state.config, readable.error()));
        }
        if (!*readable) {
            return 0;
        }
        state.let_more_arrive();
        datagrams = state.channel->receive_now();
    }
    if (!datagrams) {
        if (datagrams.error() == ENOBUFS) {
            return 0;
        }
        return std::unexpected(receive_error(state.config, datagrams.error()));
    }
    return state.process(*datagrams, handler);
}

void Queue::wake() {
    netlink::wake(*state_->channel);
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

std::expected<KernelQueueStats, Error> Queue::kernel_stats() const {
    const std::string operation = "read the kernel's counters of queue " + std::to_string(number());
    const auto& kernel_stats = state_->kernel_stats;
    if (!kernel_stats) {
        return std::unexpected(netlink::system_error(operation, EACCES));
    }
    const auto queues = kernel_stats->read();
    if (!queues) {
        return std::unexpected(queues.error());
    }
    const auto found = std::ranges::find(*queues, number(), &KernelQueueStats::number);
    if (found == queues->end()) {
        return std::unexpected(netlink::system_error(operation, ENOENT));
    }
    return *found;
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
            .held = state.held->held(),
            .receive_buffer_bytes = state.channel->receive_buffer_bytes()};
}

}  // namespace farewell::nfq

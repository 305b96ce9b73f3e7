// SPDX-License-Identifier: MIT
#include <farewell/nflog/group.hpp>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "netlink/acknowledgement.hpp"
#include "netlink/channel.hpp"
#include "netlink/counter.hpp"
#include "netlink/errors.hpp"
#include "netlink/socket.hpp"
#include "nflog/gathering.hpp"
#include "nflog/group_messages.hpp"

namespace farewell::nflog {
namespace {

using netlink::Counter;
using netlink::Datagram;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kSlots = 4;  // each holds hundreds of packets
constexpr std::chrono::milliseconds kDrainLimit{50};

bool is_valid(const GroupConfig& config) {
    return config.copy_range <= GroupConfig::kCopyRangeMax && config.queue_threshold > 0 &&
           config.gather_bytes >= kGatherBytesMin && config.gather_bytes <= GroupConfig::kGatherBytesMax &&
           config.flush_timeout.count() >= 0 && config.flush_timeout <= GroupConfig::kFlushTimeoutMax;
}

/// What the kernel gathers in is rounded up to a power of two by its allocator, and it fills it
/// (nfulnl_alloc_skb); a packet larger than that comes alone.
std::size_t slot_bytes_for(const GroupConfig& config) {
    constexpr std::size_t kMetadataRoom = 4096;
    return netlink::aligned(std::size_t{2} * config.gather_bytes + config.copy_range + kMetadataRoom);
}

std::string name_of(const GroupConfig& config) {
    return "log group " + std::to_string(config.number);
}

}  // namespace

struct Group::State {
    State(const GroupConfig& wanted, std::unique_ptr<netlink::Channel> over)
        : config(wanted), channel(std::move(over)), gathering_(wanted.prompt_below) {}

    std::expected<void, Error> bind() {
        const bool wanted = config.conntrack;
        int reason = try_bind(wanted);
        if (reason == EOPNOTSUPP && wanted) {
            reason = try_bind(false);
        }
        if (reason == 0) {
            return {};
        }
        return std::unexpected(netlink::bind_error({.operation = "bind " + name_of(config),
                                                    .subsystem = "nfnetlink_log",
                                                    .number = config.number,
                                                    .netns_fd = config.netns_fd},
                                                   reason, channel->portid()));
    }

    int try_bind(bool with_conntrack) {
        has_conntrack = with_conntrack;
        netlink::MessageWriter message;
        append_bind(message, config, gathered(), with_conntrack, ++sequence_);
        const int reason = channel->send(message.bytes());
        return reason != 0 ? reason : netlink::await_acknowledgement(*channel, sequence_, early);
    }

    void unbind() {
        netlink::MessageWriter message;
        append_unbind(message, config.number);
        // Whatever it answers: closing the socket unbinds as well.
        static_cast<void>(channel->send(message.bytes()));
    }

    std::size_t process(std::span<const Datagram> datagrams, ErasedHandler handler) {
        std::size_t packets = 0;
        for (const Datagram& datagram : datagrams) {
            packets += process(datagram, handler);
        }
        return packets;
    }

    /// While the group is bound: has the kernel gather as it suits what has just come.
    void follow_pace(std::size_t packets) {
        if (gathering_.note(packets, Clock::now())) {
            netlink::MessageWriter message;
            append_gathered(message, config.number, gathered());
            // Whatever it answers: what comes is taken as it comes.
            static_cast<void>(channel->send(message.bytes()));
        }
    }

    std::size_t process_early(ErasedHandler handler) {
        std::size_t packets = 0;
        for (const netlink::KeptDatagram& kept : std::exchange(early, {})) {
            packets += process({.bytes = kept.bytes, .truncated = kept.truncated}, handler);
        }
        return packets;
    }

    /// What the kernel hands over when the group is unbound, and what was already there.
    void drain(ErasedHandler handler) {
        process_early(handler);
        const auto deadline = Clock::now() + kDrainLimit;
        while (Clock::now() < deadline) {
            const auto datagrams = channel->receive_now();
            if (!datagrams || datagrams->empty()) {
                return;
            }
            process(*datagrams, handler);
        }
    }

    GroupConfig config;
    std::unique_ptr<netlink::Channel> channel;
    bool has_conntrack = false;
    std::vector<netlink::KeptDatagram> early;  // came before the acknowledgement of bind()
    Counter packets_count, datagrams_count, system_calls, lost_in_socket, truncated, malformed;

 private:
    std::size_t process(const Datagram& datagram, ErasedHandler handler) {
        packets_.clear();
        netlink::MessageReader reader(datagram.bytes);
        while (const auto message = reader.next()) {
            if (!is_packet(*message)) {
                continue;
            }
            const bool whole = parse_packet(*message, packets_.emplace_back());
            malformed.add(whole || datagram.truncated ? 0 : 1);
            count_loss(packets_.back());
        }
        malformed.add(reader.is_malformed() ? 1 : 0);
        truncated.add(datagram.truncated ? 1 : 0);
        if (packets_.empty()) {
            return 0;  // a wake-up
        }
        datagrams_count.add(1);
        packets_count.add(packets_.size());
        handler.call(handler.object, packets_);
        return packets_.size();
    }

    [[nodiscard]] Gathered gathered() const {
        return gathering_.is_prompt()
                   ? Gathered{.packets = 1, .bytes = kGatherBytesMin}
                   : Gathered{.packets = config.queue_threshold, .bytes = config.gather_bytes};
    }

    /// The kernel numbers a packet before it finds the socket full: a gap is exactly what was lost in
    /// between. Numbers wrap.
    void count_loss(const Packet& packet) {
        constexpr std::uint32_t kHalf = 0x80000000U;
        if (!packet.sequence) {
            return;
        }
        const std::uint32_t gap = *packet.sequence - next_sequence_;
        if (gap < kHalf) {
            lost_in_socket.add(gap);
            next_sequence_ = *packet.sequence + 1;
        }
    }

    Gathering gathering_;
    std::uint32_t sequence_ = 0;       // of our messages
    std::uint32_t next_sequence_ = 0;  // of the packets
    std::vector<Packet> packets_;      // of the datagram at hand
};

Group::Group(std::unique_ptr<State> state) : state_(std::move(state)) {}
Group::Group(Group&&) noexcept = default;
Group& Group::operator=(Group&&) noexcept = default;
Group::~Group() = default;

std::expected<Group, Error> Group::open(const GroupConfig& config) {
    if (!is_valid(config)) {
        return std::unexpected(netlink::invalid_config("open " + name_of(config)));
    }
    auto channel = netlink::open_socket({.slots = kSlots,
                                         .slot_bytes = slot_bytes_for(config),
                                         .receive_buffer_bytes = config.receive_buffer_bytes,
                                         .netns_fd = config.netns_fd});
    if (!channel) {
        return std::unexpected(
            netlink::system_error(channel.error().operation, channel.error().errno_number));
    }
    return open_over(config, std::move(*channel));
}

std::expected<Group, Error> Group::open_over(const GroupConfig& config,
                                             std::unique_ptr<netlink::Channel> channel) {
    Group group(std::make_unique<State>(config, std::move(channel)));
    if (auto bound = group.state_->bind(); !bound) {
        return std::unexpected(bound.error());
    }
    if (!group.state_->early.empty()) {
        group.wake();  // fd() is readable while there is anything to receive, for those who poll it
    }
    return group;
}

std::expected<void, Error> Group::run_erased(ErasedHandler handler, const std::stop_token& stop) {
    State& state = *state_;
    const std::stop_callback wake_up(stop, [this] { wake(); });
    state.process_early(handler);
    while (!stop.stop_requested()) {
        const auto datagrams = state.channel->receive();
        state.system_calls.add(1);
        if (datagrams) {
            state.follow_pace(state.process(*datagrams, handler));
        } else if (datagrams.error() != ENOBUFS) {  // which is counted by the gap it leaves
            return std::unexpected(
                netlink::system_error("receive from " + name_of(state.config), datagrams.error()));
        }
    }
    state.unbind();
    state.drain(handler);
    return {};
}

std::expected<std::size_t, Error> Group::receive_erased(ErasedHandler handler,
                                                        std::chrono::milliseconds timeout) {
    State& state = *state_;
    if (!state.early.empty()) {
        return state.process_early(handler);
    }
    auto datagrams = state.channel->receive_now();
    state.system_calls.add(1);
    if (datagrams && datagrams->empty()) {
        const auto readable = state.channel->wait(timeout);
        state.system_calls.add(2);
        datagrams = readable ? state.channel->receive_now() : std::unexpected(readable.error());
    }
    if (!datagrams) {
        if (datagrams.error() == ENOBUFS) {
            return 0;
        }
        return std::unexpected(
            netlink::system_error("receive from " + name_of(state.config), datagrams.error()));
    }
    const std::size_t packets = state.process(*datagrams, handler);
    state.follow_pace(packets);
    return packets;
}

void Group::wake() {
    netlink::wake(*state_->channel);
}
int Group::fd() const {
    return state_->channel->fd();
}
std::uint16_t Group::number() const {
    return state_->config.number;
}
bool Group::has_conntrack() const {
    return state_->has_conntrack;
}

Stats Group::stats() const {
    const State& state = *state_;
    return {.packets = state.packets_count.get(),
            .datagrams = state.datagrams_count.get(),
            .system_calls = state.system_calls.get(),
            .lost_in_socket = state.lost_in_socket.get(),
            .truncated_datagrams = state.truncated.get(),
            .malformed_messages = state.malformed.get(),
            .receive_buffer_bytes = state.channel->receive_buffer_bytes()};
}

}  // namespace farewell::nflog

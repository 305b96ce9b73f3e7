// SPDX-License-Identifier: MIT
#include "nfq/queue_state.hpp"

#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "netlink/errors.hpp"
#include "nfq/packet_parser.hpp"
#include "nfq/queue_messages.hpp"
#include "nfq/verdict_encoder.hpp"

namespace farewell::nfq {
namespace {

using netlink::Datagram;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kDrainLimit{50};

/// All subsets of the flags, the larger ones first.
std::vector<std::uint32_t> subsets(std::uint32_t flags) {
    std::vector<std::uint32_t> result;
    for (std::uint32_t subset = flags; subset != 0; subset = (subset - 1) & flags) {
        result.push_back(subset);
    }
    result.push_back(0);
    std::ranges::sort(result, std::ranges::greater{},
                      [](std::uint32_t subset) { return std::popcount(subset); });
    return result;
}

}  // namespace

Queue::State::State(const QueueConfig& wanted, std::unique_ptr<netlink::Channel> over)
    : config(wanted),
      channel(std::move(over)),
      held(std::make_shared<HeldBook>(*channel, config.number, config.default_verdict)),
      extras_(held) {}

std::expected<void, Error> Queue::State::bind() {
    // The kernel checks the flags before it binds and refuses the whole message for one it lacks, without
    // saying which. So the largest subset it takes is what it has; with five flags there are few.
    int reason = 0;
    for (const std::uint32_t subset : subsets(wanted_flags(config))) {
        flags = subset;
        reason = try_bind(subset);
        if (reason == 0) {
            return {};
        }
        if (reason != EOPNOTSUPP) {
            break;
        }
    }
    return std::unexpected(netlink::bind_error({.operation = "bind queue " + std::to_string(config.number),
                                                .subsystem = "nfnetlink_queue",
                                                .number = config.number,
                                                .netns_fd = config.netns_fd},
                                               reason, channel->portid()));
}

int Queue::State::try_bind(std::uint32_t with_flags) {
    netlink::MessageWriter message;
    append_bind(message, config, with_flags, ++sequence_);
    const int reason = channel->send(message.bytes());
    return reason != 0 ? reason : netlink::await_acknowledgement(*channel, sequence_, early);
}

void Queue::State::unbind() {
    netlink::MessageWriter message;
    append_unbind(message, config.number);
    // Whatever it answers: closing the socket unbinds as well.
    static_cast<void>(channel->send(message.bytes()));
    held->close();
    early.clear();  // the kernel has dropped them with the queue
    early_done = 0;
}

std::expected<std::span<const Datagram>, int> Queue::State::receive() {
    constexpr std::size_t kSeveral = 4;
    if (config.load_wait.count() > 0 && last_received_ >= kSeveral && last_received_ < kBatchMax) {
        system_calls.add(1);
        channel->pause(config.load_wait);
    }
    if (config.max_wait.count() <= 0 || last_received_ >= kBatchMax) {
        return channel->receive();
    }
    system_calls.add(2);
    if (const auto readable = channel->wait(std::chrono::milliseconds(-1)); !readable) {
        return std::unexpected(readable.error());
    }
    channel->pause(config.max_wait);
    return channel->receive_now();
}

void Queue::State::let_more_arrive() {
    if (config.max_wait.count() > 0 && last_received_ < kBatchMax) {
        system_calls.add(1);
        channel->pause(config.max_wait);
    }
}

std::expected<std::size_t, Error> Queue::State::process(std::span<const Datagram> datagrams,
                                                        ErasedHandler handler) {
    system_calls.add(1);
    last_received_ = datagrams.size();
    held->flush();
    collect(datagrams);
    return hand_over_all(handler);
}

std::expected<std::size_t, Error> Queue::State::process_early(ErasedHandler handler) {
    std::vector<Datagram> datagrams;
    for (std::size_t i = 0; i < kBatchMax && has_early(); ++i, ++early_done) {
        datagrams.push_back({.bytes = early[early_done].bytes, .truncated = early[early_done].truncated});
    }
    collect(datagrams);
    const auto handed = hand_over_all(handler);
    if (!has_early()) {
        early = {};
        early_done = 0;
    }
    return handed;
}

std::expected<void, Error> Queue::State::drain(ErasedHandler handler) {
    while (has_early()) {
        if (auto processed = process_early(handler); !processed) {
            return std::unexpected(processed.error());
        }
    }
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

void Queue::State::collect(std::span<const Datagram> datagrams) {
    Collected all;
    make_room(datagrams.size());
    std::size_t left = datagrams.size();
    for (const Datagram& datagram : datagrams) {
        Packet& packet = packets_[all.packets];
        if (!datagram.truncated && parse_usual_datagram(datagram.bytes, packet)) [[likely]] {
            count(packet, all);
        } else {
            collect_whatever(datagram, all);
            make_room(all.packets + left);
        }
        --left;
    }
    collected_ = all;
    packets_count.add(all.packets);
    lost_in_socket.add(all.lost);
    cut_short.add(all.cut_short);
    truncated.add(all.truncated);
    malformed.add(all.malformed);
}

void Queue::State::collect_whatever(const Datagram& datagram, Collected& all) {
    netlink::MessageReader reader(datagram.bytes);
    while (const auto message = reader.next()) {
        if (is_packet(*message)) {
            make_room(all.packets + 1);
            Packet& packet = packets_[all.packets];
            const PacketForm form = parse_packet(*message, packet);
            // What the ring has cut off is counted as such; anything else that is wrong is malformed.
            all.malformed += form != PacketForm::whole && !datagram.truncated ? 1U : 0U;
            if (form != PacketForm::without_id) {
                count(packet, all);
            }
        } else if (const auto acknowledgement = netlink::parse_acknowledgement(*message)) {
            kernel_errors.add(acknowledgement->errno_number != 0 ? 1 : 0);
        }
    }
    all.malformed += reader.is_malformed() ? 1U : 0U;
    all.truncated += datagram.truncated ? 1U : 0U;
}

void Queue::State::make_room(std::size_t packets) {
    if (packets_.size() < packets) {
        packets_.resize(std::max(packets, 2 * packets_.size()));
    }
}

void Queue::State::count(const Packet& packet, Collected& all) {
    ++all.packets;
    all.cut_short += packet.is_cut_short() ? 1U : 0U;
    // The kernel gives an id before it finds the socket full, and none when the queue itself is: a gap is
    // exactly what was lost in between. Ids wrap, and the kernel compares them in the same way
    // (nfq_batch_cmp).
    constexpr std::uint32_t kHalf = 0x80000000U;
    const std::uint32_t gap = packet.id - last_id_ - 1;
    if (gap < kHalf) [[likely]] {
        all.lost += gap;
        last_id_ = packet.id;
    } else {
        all.ascending = false;
    }
}

/// A datagram is one packet from every kernel there is, so this is one batch; more than kBatchMax are
/// several.
std::expected<std::size_t, Error> Queue::State::hand_over_all(ErasedHandler handler) {
    const auto all = std::span<const Packet>(packets_).first(collected_.packets);
    for (std::size_t begin = 0; begin < all.size(); begin += kBatchMax) {
        const auto packets = all.subspan(begin, std::min(kBatchMax, all.size() - begin));
        if (auto handed = hand_over(packets, handler); !handed) {
            return std::unexpected(handed.error());
        }
    }
    return all.size();
}

std::expected<void, Error> Queue::State::hand_over(std::span<const Packet> packets, ErasedHandler handler) {
    batches.add(1);
    extras_.clear();
    // Before the handler: whoever answers a held packet meanwhile makes this too careful, never too bold.
    one_by_one_ = held->held() > 0 || !collected_.ascending;
    Batch batch(packets, std::span(verdicts_).first(packets.size()), config.default_verdict, extras_,
                {.object = this,
                 .call = [](void* object, const Batch& each) { static_cast<State*>(object)->answer(each); }});
    try {
        handler.call(handler.object, batch);
    } catch (...) {
        // No packet stays without a verdict; if that fails too, the exception is the news.
        batch.all(config.default_verdict);
        batch.give_verdicts();
        throw;
    }
    batch.give_verdicts();
    return answered_;
}

/// What cannot be sent stays in `outgoing_` and goes with the next answer.
void Queue::State::answer(const Batch& batch) {
    verdict_messages.add(append_verdicts(outgoing_, config.number, batch.packets_,
                                         {.of_all = batch.of_all_,
                                          .verdicts = batch.differ_ ? batch.verdicts_ : std::span<Verdict>(),
                                          .held = extras_.held(),
                                          .mangled = extras_.mangled(),
                                          .payloads = extras_.payloads(),
                                          .one_by_one = one_by_one_}));
    const SendResult sent = send_all(*channel, outgoing_, send_limit_);
    system_calls.add(sent.sends);
    if (sent.errno_number != 0) {
        outgoing_.keep();  // the payloads are the extras'
        answered_ = std::unexpected(netlink::system_error(
            "give verdicts on queue " + std::to_string(config.number), sent.errno_number));
    } else {
        answered_ = {};
    }
}

}  // namespace farewell::nfq

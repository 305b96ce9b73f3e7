// SPDX-License-Identifier: MIT
// cost_probe BATCHES: receives and drops so many batches of 64 packets over a channel in memory. Built with
// its own optimised copy of the library, for cost_test.cpp to count its instructions: what differs between
// two numbers of batches is what the library spends on them, and a little of the channel's own.
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <farewell/nfq/queue.hpp>
#include <stop_token>
#include <utility>
#include <vector>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"

namespace farewell::nfq {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t kIdAt = 16 + 4 + 4;  // the packet header is the first attribute, the id its first field

/// What the kernel sends at input for a small packet (seen on 6.18).
Bytes packet_message() {
    netlink::MessageWriter writer;
    writer.begin(NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET, 0, 0);
    writer.put_be32(2U << 24U);
    writer.attribute(NFQA_PACKET_HDR, std::array<std::byte, 7>{});
    writer.attribute_be32(NFQA_IFINDEX_INDEV, 1);
    writer.attribute(NFQA_HWADDR, std::array<std::byte, 12>{});
    writer.attribute(NFQA_PAYLOAD, std::array<std::byte, 60>{});
    writer.end();
    return {writer.bytes().begin(), writer.bytes().end()};
}

/// Acknowledges the bind, then has full batches with ever higher ids.
class MemoryChannel final : public netlink::Channel {
 public:
    MemoryChannel() : ring_(Queue::kBatchMax, packet_message()), datagrams_(Queue::kBatchMax) {
        for (std::size_t i = 0; i < ring_.size(); ++i) {
            datagrams_[i].bytes = ring_[i];
        }
        netlink::MessageWriter writer;
        writer.begin(NLMSG_ERROR, 0, 0);
        for (const std::uint32_t number : {0U, 0U, 0U, 1U, 0U}) {  // no errno, and the bind's sequence number
            writer.put_u32(number);
        }
        writer.end();
        acknowledgement_.assign(writer.bytes().begin(), writer.bytes().end());
        acknowledged_.bytes = acknowledgement_;
    }

    std::expected<std::span<const netlink::Datagram>, int> receive_now() override {
        if (next_id_ == 0) {
            next_id_ = 1;
            return std::span(&acknowledged_, 1);
        }
        return std::span<const netlink::Datagram>();
    }
    std::expected<std::span<const netlink::Datagram>, int> receive() override {
        for (Bytes& message : ring_) {
            const std::uint32_t id = __builtin_bswap32(next_id_++);
            std::memcpy(message.data() + kIdAt, &id, sizeof id);
        }
        return std::span<const netlink::Datagram>(datagrams_);
    }
    std::expected<bool, int> wait(std::chrono::milliseconds /*timeout*/) override { return true; }
    void pause(std::chrono::microseconds /*duration*/) override {}
    using Channel::send;
    int send(std::span<const std::span<const std::byte>> /*parts*/) override { return 0; }
    [[nodiscard]] int fd() const override { return -1; }
    [[nodiscard]] std::uint32_t portid() const override { return 1; }
    [[nodiscard]] std::size_t receive_buffer_bytes() const override { return 0; }

 private:
    std::vector<Bytes> ring_;
    std::vector<netlink::Datagram> datagrams_;
    Bytes acknowledgement_;
    netlink::Datagram acknowledged_;
    std::uint32_t next_id_ = 0;
};

}  // namespace

class CostProbe {
 public:
    static std::expected<Queue, Error> open() {
        return Queue::open_over({}, std::make_unique<MemoryChannel>());
    }
};

}  // namespace farewell::nfq

int main(int argc, char** argv) {
    using namespace farewell::nfq;
    const unsigned long batches = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
    auto queue = CostProbe::open();
    if (batches == 0 || !queue) {
        return std::fputs("usage: cost_probe BATCHES\n", stderr), 2;
    }
    std::stop_source stop;
    unsigned long seen = 0;
    const auto handler = [&](Batch& batch) {
        batch.all(Verdict::drop());
        if (++seen == batches) {
            stop.request_stop();
        }
    };
    const auto ended = queue->run(handler, stop.get_token());
    const Stats stats = queue->stats();
    const bool sound = ended && stats.packets == batches * Queue::kBatchMax && stats.lost_in_socket == 0 &&
                       stats.malformed_messages == 0;
    return sound ? 0 : 1;
}

// SPDX-License-Identifier: MIT
// A netlink channel without a kernel: what a test wants to arrive, and what was sent. For tests.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <span>
#include <vector>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"

namespace farewell::nfq {

class FakeKernel final : public netlink::Channel {
 public:
    using Bytes = std::vector<std::byte>;

    // What the test sets.
    std::deque<std::vector<netlink::Datagram>> arrivals;  // one receive each
    std::deque<int> config_answers;                       // errno of each CONFIG message; 0 when used up
    std::deque<Bytes> before_next_acknowledgement;        // datagrams that come first
    std::deque<int> send_failures;                        // errno of each send, before it is looked at
    std::size_t send_limit = ~std::size_t{0};             // bytes; more in one send is EMSGSIZE
    std::uint32_t supported_flags = ~0U;                  // NFQA_CFG_F_*; a CONFIG with others: EOPNOTSUPP

    // What the test looks at.
    std::vector<Bytes> sent;

    /// Keeps the bytes and lets them arrive in one receive.
    void arrive(std::vector<Bytes> datagrams, bool truncated = false) {
        std::vector<netlink::Datagram> batch;
        for (Bytes& datagram : datagrams) {
            kept_.push_back(std::move(datagram));
            batch.push_back({.bytes = kept_.back(), .truncated = truncated});
        }
        arrivals.push_back(std::move(batch));
    }

    std::expected<std::span<const netlink::Datagram>, int> receive_now() override {
        if (arrivals.empty()) {
            return std::span<const netlink::Datagram>();
        }
        current_ = std::move(arrivals.front());
        arrivals.pop_front();
        return std::span<const netlink::Datagram>(current_);
    }
    std::expected<std::span<const netlink::Datagram>, int> receive() override { return receive_now(); }
    std::expected<bool, int> wait(std::chrono::milliseconds /*timeout*/) override {
        return !arrivals.empty();
    }

    int send(std::span<const std::byte> messages) override {
        if (!send_failures.empty()) {
            const int reason = send_failures.front();
            send_failures.pop_front();
            if (reason != 0) {
                return reason;
            }
        }
        if (messages.size() > send_limit) {
            return EMSGSIZE;
        }
        sent.emplace_back(messages.begin(), messages.end());
        netlink::MessageReader reader(messages);
        while (const auto message = reader.next()) {
            if ((message->flags & NLM_F_ACK) != 0) {
                acknowledge(*message);
            }
        }
        return 0;
    }

    [[nodiscard]] int fd() const override { return -1; }
    [[nodiscard]] std::uint32_t portid() const override { return 4242; }
    [[nodiscard]] std::size_t receive_buffer_bytes() const override { return 1 << 20; }

    /// A packet as the kernel sends it: header, input device, mark, payload.
    static Bytes packet(std::uint32_t id, const Bytes& payload, std::uint32_t mark = 0) {
        netlink::MessageWriter writer;
        writer.begin(std::uint16_t{NFNL_SUBSYS_QUEUE} << 8U | NFQNL_MSG_PACKET, 0, 0);
        writer.put_be32(2U << 24U);  // AF_INET, version 0, queue 0
        const auto octet = [id](unsigned shift) { return static_cast<std::byte>(id >> shift & 0xffU); };
        writer.attribute(NFQA_PACKET_HDR, std::array{octet(24), octet(16), octet(8), octet(0),
                                                     std::byte{0x08}, std::byte{0}, std::byte{1}});
        writer.attribute_be32(NFQA_IFINDEX_INDEV, 3);
        if (mark != 0) {
            writer.attribute_be32(NFQA_MARK, mark);
        }
        writer.attribute(NFQA_PAYLOAD, payload);
        writer.end();
        return {writer.bytes().begin(), writer.bytes().end()};
    }
    static Bytes error(int reason, std::uint32_t sequence) {
        netlink::MessageWriter writer;
        writer.begin(NLMSG_ERROR, 0, sequence);
        const auto put = [&writer](std::uint32_t value) {
            for (unsigned shift = 0; shift < 32; shift += 8) {
                writer.put_u8(static_cast<std::uint8_t>(value >> shift));
            }
        };
        put(0U - static_cast<std::uint32_t>(reason));
        put(16);
        put(0);
        put(sequence);
        put(0);
        writer.end();
        return {writer.bytes().begin(), writer.bytes().end()};
    }

 private:
    void acknowledge(const netlink::Message& message) {
        for (const Bytes& datagram : before_next_acknowledgement) {
            arrive({datagram});
        }
        before_next_acknowledgement.clear();
        int reason = asks_for_unsupported_flags(message) ? EOPNOTSUPP : 0;
        if (!config_answers.empty()) {
            reason = config_answers.front();
            config_answers.pop_front();
        }
        arrive({error(reason, message.sequence)});
    }

    [[nodiscard]] bool asks_for_unsupported_flags(const netlink::Message& message) const {
        if (message.type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG)) {
            return false;
        }
        netlink::AttributeReader attributes(message.body.subspan(4));
        while (const auto attribute = attributes.next()) {
            if (attribute->type == NFQA_CFG_FLAGS) {
                return (netlink::read_be32(attribute->value) & ~supported_flags) != 0;
            }
        }
        return false;
    }

    std::deque<Bytes> kept_;
    std::vector<netlink::Datagram> current_;
};

}  // namespace farewell::nfq

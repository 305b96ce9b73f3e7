// SPDX-License-Identifier: MIT
// A kernel's log group for tests: what arrives is what the test wrote, and configuration is answered.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <farewell/nflog/group.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"

namespace farewell::nflog {

class FakeLog {
 public:
    using Bytes = std::vector<std::byte>;

    /// Answers the n-th configuration with the n-th of these, and 0 after that.
    std::deque<int> answers;
    /// Comes before the next answer.
    std::deque<Bytes> before_answer;
    /// Comes when the group is unbound.
    std::deque<Bytes> at_unbind;
    std::vector<Bytes> sent;

    std::expected<Group, Error> open(const GroupConfig& config = {}) {
        return Group::open_over(config, std::make_unique<Line>(*this));
    }
    void arrive(Bytes datagram, bool truncated = false) {
        arrived_.push_back({.bytes = std::move(datagram), .truncated = truncated});
    }

    /// One PACKET message of IPv4 at input.
    static Bytes packet(std::optional<std::uint32_t> sequence, const Bytes& payload = Bytes(20),
                        std::string_view prefix = {}) {
        netlink::MessageWriter writer;
        begin(writer);
        // struct nfulnl_msg_packet_hdr: protocol, hook, padding.
        writer.attribute(NFULA_PACKET_HDR, Bytes{std::byte{8}, std::byte{0}, std::byte{1}, std::byte{0}});
        if (!prefix.empty()) {
            Bytes text;
            for (const char letter : prefix) {
                text.push_back(static_cast<std::byte>(letter));
            }
            text.push_back(std::byte{0});
            writer.attribute(NFULA_PREFIX, text);
        }
        if (sequence) {
            writer.attribute_be32(NFULA_SEQ, *sequence);
        }
        writer.attribute(NFULA_PAYLOAD, payload);
        writer.end();
        return {writer.bytes().begin(), writer.bytes().end()};
    }
    /// One PACKET message with these attributes and no other.
    static Bytes message(const std::vector<std::pair<std::uint16_t, Bytes>>& attributes) {
        netlink::MessageWriter writer;
        begin(writer);
        for (const auto& [type, value] : attributes) {
            writer.attribute(type, value);
        }
        writer.end();
        return {writer.bytes().begin(), writer.bytes().end()};
    }

 private:
    struct Arrived {
        Bytes bytes;
        bool truncated;
    };

    class Line final : public netlink::Channel {
     public:
        explicit Line(FakeLog& log) : log_(log) {}

        std::expected<std::span<const netlink::Datagram>, int> receive_now() override {
            taken_ = std::exchange(log_.arrived_, {});
            datagrams_.clear();
            for (const Arrived& arrived : taken_) {
                datagrams_.push_back({.bytes = arrived.bytes, .truncated = arrived.truncated});
            }
            return datagrams_;
        }
        std::expected<std::span<const netlink::Datagram>, int> receive() override { return receive_now(); }
        std::expected<bool, int> wait(std::chrono::milliseconds /*timeout*/) override {
            return !log_.arrived_.empty();
        }
        void pause(std::chrono::microseconds /*duration*/) override {}
        using Channel::send;
        int send(std::span<const std::span<const std::byte>> parts) override {
            Bytes all;
            for (const auto part : parts) {
                all.insert(all.end(), part.begin(), part.end());
            }
            log_.answer(all);
            log_.sent.push_back(std::move(all));
            return 0;
        }
        [[nodiscard]] int fd() const override { return -1; }
        [[nodiscard]] std::uint32_t portid() const override { return 1; }
        [[nodiscard]] std::size_t receive_buffer_bytes() const override { return 4096; }

     private:
        FakeLog& log_;
        std::vector<Arrived> taken_;
        std::vector<netlink::Datagram> datagrams_;
    };

    static void begin(netlink::MessageWriter& writer) {
        writer.begin(NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET, 0, 0);
        writer.put_u8(2);  // NFPROTO_IPV4
        writer.put_u8(0);
        writer.put_be16(0);
    }

    void answer(const Bytes& sent_bytes) {
        netlink::MessageReader reader(sent_bytes);
        const auto message = reader.next();
        if ((message->flags & NLM_F_ACK) == 0) {  // an unbinding
            for (Bytes& last : at_unbind) {
                arrive(std::move(last));
            }
            at_unbind.clear();
            return;
        }
        for (Bytes& early : before_answer) {
            arrive(std::move(early));
        }
        before_answer.clear();
        int reason = 0;
        if (!answers.empty()) {
            reason = answers.front();
            answers.pop_front();
        }
        netlink::MessageWriter writer;
        writer.begin(NLMSG_ERROR, 0, message->sequence);
        writer.put_u32(0U - static_cast<std::uint32_t>(reason));
        for (const std::uint32_t field : {0U, 0U, message->sequence, 0U}) {  // the header it answers
            writer.put_u32(field);
        }
        writer.end();
        arrive({writer.bytes().begin(), writer.bytes().end()});
    }

    std::vector<Arrived> arrived_;
};

}  // namespace farewell::nflog

// SPDX-License-Identifier: GPL-2.0-or-later
// The ceiling: no library at all, recvmmsg into a ring, ids read at their place, one VERDICT_BATCH for all of
// it. It checks nothing and can do nothing else.
#include <arpa/inet.h>  // before linux/netfilter.h, which redefines its types otherwise

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "consumer.hpp"

using namespace farewell;

namespace {

constexpr std::size_t kSlots = 64;

/// Appends an attribute of these bytes to a message of `length`; returns the new length.
std::size_t put(unsigned char* message, std::size_t length, std::uint16_t type, const void* value,
                std::size_t size) {
    const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof header + size), .nla_type = type};
    std::memcpy(message + length, &header, sizeof header);
    std::memcpy(message + length + sizeof header, value, size);
    return length + sizeof header + ((size + 3) & ~std::size_t{3});
}

std::size_t begin(unsigned char* message, unsigned type, std::uint16_t number) {
    const nlmsghdr header{.nlmsg_len = 0,
                          .nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8 | type),
                          .nlmsg_flags = NLM_F_REQUEST,
                          .nlmsg_seq = 0,
                          .nlmsg_pid = 0};
    const nfgenmsg generic{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(number)};
    std::memcpy(message, &header, sizeof header);
    std::memcpy(message + sizeof header, &generic, sizeof generic);
    return sizeof header + sizeof generic;
}

void send_message(int fd, unsigned char* message, std::size_t length) {
    const auto said = static_cast<std::uint32_t>(length);
    std::memcpy(message, &said, sizeof said);
    if (send(fd, message, length, 0) < 0) {
        bench::fail("send");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::Options options = bench::options_from(argc, argv);
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        bench::fail("open a socket");
    }
    const int on = 1;
    setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
    bench::force_receive_buffer(fd, options.receive_buffer);
    std::array<unsigned char, 256> message{};
    std::size_t length = begin(message.data(), NFQNL_MSG_CONFIG, options.number);
    const nfqnl_msg_config_cmd command{.command = NFQNL_CFG_CMD_BIND, ._pad = 0, .pf = 0};
    const nfqnl_msg_config_params parameters{.copy_range = htonl(options.copy_range),
                                             .copy_mode = NFQNL_COPY_PACKET};
    const std::uint32_t max_length = htonl(options.max_length);
    length = put(message.data(), length, NFQA_CFG_CMD, &command, sizeof command);
    length = put(message.data(), length, NFQA_CFG_PARAMS, &parameters, sizeof parameters);
    length = put(message.data(), length, NFQA_CFG_QUEUE_MAXLEN, &max_length, sizeof max_length);
    send_message(fd, message.data(), length);
    bench::limit_waiting(fd);

    static std::array<std::array<unsigned char, bench::kSmallDatagramMax>, kSlots> ring;
    std::array<iovec, kSlots> vectors{};
    std::array<mmsghdr, kSlots> headers{};
    for (std::size_t i = 0; i < kSlots; ++i) {
        vectors[i] = {.iov_base = ring[i].data(), .iov_len = ring[i].size()};
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    bench::Tally tally;
    std::uint64_t system_calls = 0;
    tally.wait_for_go();
    while (true) {
        const int count = recvmmsg(fd, headers.data(), kSlots, MSG_WAITFORONE, nullptr);
        ++system_calls;
        if (count <= 0) {
            if (tally.is_idle()) {
                break;
            }
            continue;
        }
        std::uint32_t last = 0;
        for (int i = 0; i < count; ++i) {
            // The packet header is the first attribute, its id the first field of that.
            const unsigned char* const bytes = ring[static_cast<std::size_t>(i)].data();
            std::memcpy(&last, bytes + sizeof(nlmsghdr) + sizeof(nfgenmsg) + sizeof(nlattr), sizeof last);
            last = ntohl(last);
            tally.count(last, std::span(bytes + headers[static_cast<std::size_t>(i)].msg_len - 28, 1));
        }
        const nfqnl_msg_verdict_hdr verdict{.verdict = htonl(NF_DROP), .id = htonl(last)};
        length = begin(message.data(), NFQNL_MSG_VERDICT_BATCH, options.number);
        length = put(message.data(), length, NFQA_VERDICT_HDR, &verdict, sizeof verdict);
        send_message(fd, message.data(), length);
        ++system_calls;
        tally.batch_done();
    }
    tally.print(system_calls);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// libmnl with libnetfilter_queue's newer functions: one recv and one verdict a packet.
#include <arpa/inet.h>  // before linux/netfilter.h, which redefines its types otherwise

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

extern "C" {
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
}

#include "consumer.hpp"

using namespace farewell;

namespace {

struct State {
    bench::Tally tally;
    std::uint32_t id = 0;
};

int on_message(const nlmsghdr* message, void* opaque) {
    auto& state = *static_cast<State*>(opaque);
    std::array<nlattr*, NFQA_MAX + 1> attributes{};
    if (nfq_nlmsg_parse(message, attributes.data()) < 0 || attributes[NFQA_PACKET_HDR] == nullptr) {
        return MNL_CB_ERROR;
    }
    const auto* const header =
        static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]));
    state.id = ntohl(header->packet_id);
    const nlattr* const payload = attributes[NFQA_PAYLOAD];
    state.tally.count(state.id,
                      payload == nullptr
                          ? std::span<const unsigned char>()
                          : std::span(static_cast<const unsigned char*>(mnl_attr_get_payload(payload)),
                                      mnl_attr_get_payload_len(payload)));
    return MNL_CB_OK;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::Options options = bench::options_from(argc, argv);
    mnl_socket* const socket = mnl_socket_open(NETLINK_NETFILTER);
    if (socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        bench::fail("open a socket");
    }
    alignas(nlmsghdr) std::array<char, bench::kDatagramMax> buffer;
    nlmsghdr* message = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, options.number);
    nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
    mnl_socket_sendto(socket, message, message->nlmsg_len);
    message = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, options.number);
    nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET,
                             options.same ? static_cast<int>(options.copy_range) : 0xffff);
    if (options.same) {
        nfq_nlmsg_cfg_put_qmaxlen(message, options.max_length);
    }
    mnl_socket_sendto(socket, message, message->nlmsg_len);
    const int on = 1;
    mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, const_cast<int*>(&on), sizeof on);
    const int fd = mnl_socket_get_fd(socket);
    if (options.same) {
        bench::force_receive_buffer(fd, options.receive_buffer);
    }
    bench::limit_waiting(fd);
    const unsigned portid = mnl_socket_get_portid(socket);
    State state;
    std::uint64_t system_calls = 0;
    alignas(nlmsghdr) std::array<char, 256> answer;
    state.tally.wait_for_go();
    while (true) {
        const ssize_t length = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
        ++system_calls;
        if (length > 0) {
            mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), 0, portid, &on_message, &state);
            nlmsghdr* const verdict = nfq_nlmsg_put(answer.data(), NFQNL_MSG_VERDICT, options.number);
            nfq_nlmsg_verdict_put(verdict, static_cast<int>(state.id), NF_DROP);
            mnl_socket_sendto(socket, verdict, verdict->nlmsg_len);
            ++system_calls;
            state.tally.batch_done();
        } else if (state.tally.is_idle()) {
            break;
        }
    }
    state.tally.print(system_calls);
    mnl_socket_close(socket);
    return 0;
}

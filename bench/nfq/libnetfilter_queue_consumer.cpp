// SPDX-License-Identifier: GPL-2.0-or-later
// libnetfilter_queue's classic loop, the one of its documentation: one recv and one verdict a packet.
#include <arpa/inet.h>  // before linux/netfilter.h, which redefines its types otherwise

#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

extern "C" {
#include <libnetfilter_queue/libnetfilter_queue.h>
}

#include "consumer.hpp"

using namespace farewell;

namespace {

struct State {
    bench::Tally tally;
    std::uint64_t system_calls = 0;
};

int on_packet(nfq_q_handle* queue, nfgenmsg* /*message*/, nfq_data* data, void* opaque) {
    auto& state = *static_cast<State*>(opaque);
    const nfqnl_msg_packet_hdr* const header = nfq_get_msg_packet_hdr(data);
    const std::uint32_t id = header != nullptr ? ntohl(header->packet_id) : 0;
    unsigned char* payload = nullptr;
    const int length = nfq_get_payload(data, &payload);
    state.tally.count(
        id, std::span<const unsigned char>(payload, length > 0 ? static_cast<std::size_t>(length) : 0U));
    ++state.system_calls;
    return nfq_set_verdict(queue, id, NF_DROP, 0, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::Options options = bench::options_from(argc, argv);
    State state;
    nfq_handle* const handle = nfq_open();
    if (handle == nullptr) {
        bench::fail("nfq_open");
    }
    nfq_q_handle* const queue = nfq_create_queue(handle, options.number, &on_packet, &state);
    if (queue == nullptr) {
        bench::fail("nfq_create_queue");
    }
    const int fd = nfq_fd(handle);
    nfq_set_mode(queue, NFQNL_COPY_PACKET, options.same ? options.copy_range : 0xffff);
    if (options.same) {
        nfq_set_queue_maxlen(queue, options.max_length);
        bench::force_receive_buffer(fd, options.receive_buffer);
    }
    bench::limit_waiting(fd);
    alignas(nlmsghdr) std::array<char, bench::kDatagramMax> buffer;
    state.tally.wait_for_go();
    while (true) {
        const ssize_t length = recv(fd, buffer.data(), buffer.size(), 0);
        ++state.system_calls;
        if (length > 0) {
            nfq_handle_packet(handle, buffer.data(), static_cast<int>(length));
            state.tally.batch_done();
        } else if (errno != ENOBUFS && state.tally.is_idle()) {
            break;
        }
    }
    state.tally.print(state.system_calls);
    nfq_destroy_queue(queue);
    nfq_close(handle);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// libnetfilter_queue in two forms. CLASSIC: the loop of its documentation, one recv and one verdict a packet.
// BATCHED: its strongest fair form, a large buffer, no ENOBUFS, and one verdict for all that could be read.
#include <arpa/inet.h>  // before linux/netfilter.h, which redefines its types otherwise

#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

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
    std::uint32_t last_id = 0;
    std::uint32_t unanswered = 0;  // BATCHED: received, and no verdict given
};

int on_packet(nfq_q_handle* queue, nfgenmsg* /*message*/, nfq_data* data, void* opaque) {
    auto& state = *static_cast<State*>(opaque);
    const nfqnl_msg_packet_hdr* const header = nfq_get_msg_packet_hdr(data);
    const std::uint32_t id = header != nullptr ? ntohl(header->packet_id) : 0;
    unsigned char* payload = nullptr;
    const int length = nfq_get_payload(data, &payload);
    state.tally.count(
        id, std::span<const unsigned char>(payload, length > 0 ? static_cast<std::size_t>(length) : 0U));
    state.last_id = id;
#ifdef BATCHED
    static_cast<void>(queue);
    ++state.unanswered;
    return 0;
#else
    ++state.system_calls;
    return nfq_set_verdict(queue, id, NF_DROP, 0, nullptr);
#endif
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
        const int half = static_cast<int>(options.receive_buffer / 2);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof half);
    }
#ifdef BATCHED
    if (!options.same) {
        nfnl_rcvbufsiz(nfq_nfnlh(handle), 16U << 20U);
        nfq_set_queue_maxlen(queue, 16384);
    }
    const int on = 1;
    setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
#endif
    const timeval limit{.tv_sec = 0, .tv_usec = std::chrono::microseconds(bench::kIdle).count()};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    state.tally.wait_for_go();
    alignas(nlmsghdr) std::array<char, 0x10000 + 4096> buffer;
    while (true) {
        const ssize_t length =
            recv(fd, buffer.data(), buffer.size(), state.unanswered > 0 ? MSG_DONTWAIT : 0);
        ++state.system_calls;
        if (length > 0) {
            nfq_handle_packet(handle, buffer.data(), static_cast<int>(length));
            state.tally.batch_done();
        } else if (errno != ENOBUFS && state.unanswered == 0 && state.tally.is_idle()) {
            break;
        }
#ifdef BATCHED
        constexpr std::uint32_t kBurst = 64;  // as ours: a packet must not wait for more than that
        if (state.unanswered == kBurst || (length <= 0 && state.unanswered > 0)) {
            ++state.system_calls;
            nfq_set_verdict_batch(queue, state.last_id, NF_DROP);
            state.unanswered = 0;
        }
#endif
    }
    state.tally.print(state.system_calls);
    nfq_destroy_queue(queue);
    nfq_close(handle);
    return 0;
}

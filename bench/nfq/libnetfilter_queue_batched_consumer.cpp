// SPDX-License-Identifier: GPL-2.0-or-later
// libnetfilter_queue in its strongest fair form, which its documentation does not show: a large buffer, no
// ENOBUFS, recvmmsg on its descriptor, its reader for each packet, and its one verdict for all of them.
#include <arpa/inet.h>  // before linux/netfilter.h, which redefines its types otherwise

#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <vector>

extern "C" {
#include <libnetfilter_queue/libnetfilter_queue.h>
}

#include "consumer.hpp"

using namespace farewell;

namespace {

constexpr std::size_t kSlots = 64;

struct State {
    bench::Tally tally;
    std::uint32_t last_id = 0;
};

int on_packet(nfq_q_handle* /*queue*/, nfgenmsg* /*message*/, nfq_data* data, void* opaque) {
    auto& state = *static_cast<State*>(opaque);
    const nfqnl_msg_packet_hdr* const header = nfq_get_msg_packet_hdr(data);
    state.last_id = header != nullptr ? ntohl(header->packet_id) : 0;
    unsigned char* payload = nullptr;
    const int length = nfq_get_payload(data, &payload);
    state.tally.count(state.last_id, std::span<const unsigned char>(
                                         payload, length > 0 ? static_cast<std::size_t>(length) : 0U));
    return 0;
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
    nfq_set_queue_maxlen(queue, options.same ? options.max_length : 16384);
    bench::force_receive_buffer(fd, options.same ? options.receive_buffer : 16U << 20U);
    const int on = 1;
    setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
    bench::limit_waiting(fd);

    const std::size_t slot_bytes = options.same ? bench::kSmallDatagramMax : bench::kDatagramMax;
    std::vector<char> ring(kSlots * slot_bytes);
    std::array<iovec, kSlots> vectors{};
    std::array<mmsghdr, kSlots> headers{};
    for (std::size_t i = 0; i < kSlots; ++i) {
        vectors[i] = {.iov_base = ring.data() + i * slot_bytes, .iov_len = slot_bytes};
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    std::uint64_t system_calls = 0;
    state.tally.wait_for_go();
    while (true) {
        const int count = recvmmsg(fd, headers.data(), kSlots, MSG_WAITFORONE, nullptr);
        ++system_calls;
        if (count <= 0) {
            if (state.tally.is_idle()) {
                break;
            }
            continue;
        }
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            nfq_handle_packet(handle, static_cast<char*>(vectors[i].iov_base),
                              static_cast<int>(headers[i].msg_len));
        }
        nfq_set_verdict_batch(queue, state.last_id, NF_DROP);
        ++system_calls;
        state.tally.batch_done();
    }
    state.tally.print(system_calls);
    nfq_destroy_queue(queue);
    nfq_close(handle);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// libnetfilter_log, the loop of its documentation; with --same, all that farewell::nflog sets is set here
// too.
#include <arpa/inet.h>  // before linux/netfilter.h, which redefines its types otherwise

#include <linux/netfilter/nfnetlink_log.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

extern "C" {
#include <libnetfilter_log/libnetfilter_log.h>
}

#include "consumer.hpp"

using namespace farewell;

namespace {

constexpr std::uint32_t kGatherBytes = 128U << 10U;  // the most the kernel gathers in

int on_packet(nflog_g_handle* /*group*/, nfgenmsg* /*message*/, nflog_data* data, void* opaque) {
    auto& tally = *static_cast<bench::Tally*>(opaque);
    char* payload = nullptr;
    const int length = nflog_get_payload(data, &payload);
    std::uint32_t sequence = 0;
    nflog_get_seq(data, &sequence);
    tally.count(sequence, std::span(reinterpret_cast<const unsigned char*>(payload),
                                    length > 0 ? static_cast<std::size_t>(length) : 0U));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::Options options = bench::options_from(argc, argv);
    nflog_handle* const handle = nflog_open();
    if (handle == nullptr) {
        bench::fail("nflog_open");
    }
    nflog_g_handle* const group = nflog_bind_group(handle, options.number);
    if (group == nullptr) {
        bench::fail("nflog_bind_group");
    }
    nflog_set_mode(group, NFULNL_COPY_PACKET, options.same ? options.copy_range : 0xffff);
    nflog_set_flags(group, NFULNL_CFG_F_SEQ);
    const int fd = nflog_fd(handle);
    if (options.same) {
        nflog_set_nlbufsiz(group, kGatherBytes);
        nflog_set_qthresh(group, 512);
        nflog_set_timeout(group, 1);  // in steps of 10 ms
        bench::force_receive_buffer(fd, options.receive_buffer);
    }
    bench::limit_waiting(fd);
    bench::Tally tally(0);
    nflog_callback_register(group, &on_packet, &tally);
    std::uint64_t system_calls = 0;
    std::vector<char> buffer(options.same ? 2 * kGatherBytes + bench::kDatagramMax : bench::kDatagramMax);
    tally.wait_for_go();
    while (true) {
        const ssize_t length = recv(fd, buffer.data(), buffer.size(), 0);
        ++system_calls;
        if (length > 0) {
            nflog_handle_packet(handle, buffer.data(), static_cast<int>(length));
            tally.batch_done();
        } else if (errno != ENOBUFS && tally.is_idle()) {
            break;
        }
    }
    tally.print(system_calls);
    nflog_unbind_group(group);
    nflog_close(handle);
    return 0;
}

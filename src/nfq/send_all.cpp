// SPDX-License-Identifier: MIT
#include "nfq/send_all.hpp"

#include <cerrno>
#include <thread>

namespace farewell::nfq {
namespace {

constexpr int kAttempts = 100;

}  // namespace

SendResult send_all(netlink::Channel& channel, Outgoing& outgoing, SendLimit& limit) {
    SendResult result;
    int attempts = 0;
    while (!outgoing.empty()) {
        const Outgoing::Front front = outgoing.front(limit.bytes);
        ++result.sends;
        const int reason = channel.send(front.parts);
        if (reason == 0) {
            outgoing.discard_front();
            attempts = 0;
        } else if (const std::size_t whole = front.bytes;
                   reason == EMSGSIZE && outgoing.front(whole / 2).bytes < whole) {
            limit.bytes = whole / 2;  // the send buffer is smaller than that (netlink_sendmsg); it stays so
        } else if ((reason == ENOBUFS || reason == EAGAIN) && ++attempts < kAttempts) {
            std::this_thread::yield();  // the kernel is short of memory for a moment
        } else {
            result.errno_number = reason;
            return result;
        }
    }
    return result;
}

}  // namespace farewell::nfq

// SPDX-License-Identifier: MIT
// Gets verdict messages into the kernel, in as few sends as its buffer allows.
#pragma once

#include <cstddef>
#include <limits>

#include "netlink/channel.hpp"
#include "nfq/outgoing.hpp"

namespace farewell::nfq {

struct SendResult {
    int errno_number = 0;  // 0: all is sent; otherwise what is left stays in `outgoing`
    std::size_t sends = 0;
};

/// Bytes that the socket takes in one send; learned from its refusals, because SO_SNDBUF tells twice what an
/// unprivileged setting granted and not what netlink makes of it.
struct SendLimit {
    std::size_t bytes = std::numeric_limits<std::size_t>::max();
};

/// A kernel short of memory (ENOBUFS, EAGAIN) is asked again, some hundred times in a row.
SendResult send_all(netlink::Channel& channel, Outgoing& outgoing, SendLimit& limit);
inline SendResult send_all(netlink::Channel& channel, Outgoing& outgoing) {
    SendLimit unknown;
    return send_all(channel, outgoing, unknown);
}

}  // namespace farewell::nfq

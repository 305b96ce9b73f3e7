// SPDX-License-Identifier: MIT
// The edge: an AF_NETLINK socket of the NETLINK_NETFILTER family with a ring to receive into.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "netlink/channel.hpp"

namespace farewell::netlink {

struct SocketConfig {
    std::size_t slots = 64;                // datagrams one receive can return
    std::size_t slot_bytes = 4096;         // largest datagram taken whole
    std::size_t receive_buffer_bytes = 0;  // 0: the system's default
    std::optional<int> netns_fd;           // its network namespace; default: the calling thread's
};

struct SocketError {
    std::string operation;
    int errno_number = 0;
};

/// Opens and binds. The receive buffer is forced past net.core.rmem_max where CAP_NET_ADMIN allows, and as
/// large as that limit where not.
[[nodiscard]] std::expected<std::unique_ptr<Channel>, SocketError> open_socket(const SocketConfig& config);

}  // namespace farewell::netlink

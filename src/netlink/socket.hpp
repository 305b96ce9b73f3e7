// SPDX-License-Identifier: MIT
// The edge: an AF_NETLINK socket with a ring to receive into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "netlink/channel.hpp"

namespace farewell::netlink {

/// Whom in the kernel the socket speaks with.
enum class Subsystem : std::uint8_t {
    netfilter,  // packet queues, log groups, nftables
    route,      // rtnetlink(7): interfaces, addresses, routes
    sock_diag,  // sock_diag(7): sockets
};

struct SocketConfig {
    Subsystem subsystem = Subsystem::netfilter;
    std::uint32_t groups = 0;              // multicast groups to join, a bit each
    bool report_overruns = false;          // a lost message is ENOBUFS at the next receive
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

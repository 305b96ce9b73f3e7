// SPDX-License-Identifier: MIT
// Who holds a queue or a log group: for the error that says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace farewell::netlink {

struct SocketOwner {
    std::uint32_t portid = 0;
    std::optional<int> pid;
    std::string name;
};

/// Looks `number` up in /proc/net/netfilter/`subsystem`, of this thread's network namespace. nullopt if
/// nobody but `own_portid` has bound it, or /proc does not tell.
[[nodiscard]] std::optional<SocketOwner> find_socket_owner(const std::string& subsystem, std::uint16_t number,
                                                           std::uint32_t own_portid);

}  // namespace farewell::netlink

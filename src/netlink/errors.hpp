// SPDX-License-Identifier: MIT
// From an errno to the Error that says what a caller can do about it.
#pragma once

#include <cstdint>
#include <farewell/error.hpp>
#include <optional>
#include <string>

namespace farewell::netlink {

[[nodiscard]] Error system_error(std::string operation, int errno_number);
[[nodiscard]] Error invalid_config(std::string operation);

/// What was to be bound, for the error.
struct Binding {
    std::string operation;  // "bind queue 3"
    std::string subsystem;  // the kernel module, and its file in /proc/net/netfilter: "nfnetlink_queue"
    std::uint16_t number = 0;
    std::optional<int> netns_fd;
};

/// The kernel says EPERM both for a missing capability and for what another socket holds; /proc tells them
/// apart. Reads /proc in that case.
[[nodiscard]] Error bind_error(const Binding& binding, int errno_number, std::uint32_t own_portid);

}  // namespace farewell::netlink

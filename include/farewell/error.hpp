// SPDX-License-Identifier: MIT
// What can go wrong with a queue or a log group, told apart by what a caller would do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace farewell {

/// What a caller can tell apart.
enum class ErrorKind : std::uint8_t {
    no_permission,   ///< CAP_NET_ADMIN is missing (the kernel checks it on every message)
    taken,           ///< another socket has bound this queue or group; see owner_*
    not_supported,   ///< the kernel lacks something; see lacking
    invalid_config,  ///< a value of the configuration cannot be
    system,          ///< anything else: see errno_number
};

// Every member has an initializer, so that an Error may be made of named members and none be missed.
// NOLINTBEGIN(readability-redundant-member-init)
/// Says what was tried, why it failed, and, where that helps, who or what stands in the way.
struct Error {
    ErrorKind kind = ErrorKind::system;  ///< what a caller can act on
    std::string operation{};             ///< "bind queue 3"
    int errno_number = 0;                ///< what the kernel said; 0: it was not asked
    std::string lacking{};               ///< not_supported: the kernel module, "nfnetlink_queue"
    std::uint32_t owner_portid = 0;      ///< taken: the netlink port of the socket that holds it
    std::optional<int> owner_pid{};      ///< and its process, where /proc tells
    std::string owner_name{};            ///< that process' name (comm); empty: not known

    /// "bind queue 3: taken by process 812 (suricata)"; fit for a log line as it stands.
    [[nodiscard]] std::string message() const;
};
// NOLINTEND(readability-redundant-member-init)

}  // namespace farewell

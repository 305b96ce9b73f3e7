// SPDX-License-Identifier: MIT
#include <farewell/error.hpp>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "netlink/errors.hpp"
#include "netlink/network_namespace.hpp"
#include "netlink/socket_owner.hpp"

namespace farewell {
namespace {

/// "Operation not permitted (EPERM)"
std::string errno_text(int number) {
    const std::string text = std::error_code(number, std::generic_category()).message();
#ifdef __GLIBC__
    if (const char* const name = strerrorname_np(number)) {
        return text + " (" + name + ")";
    }
#endif
    return text + " (errno " + std::to_string(number) + ")";
}

}  // namespace

std::string Error::message() const {
    std::string text = operation + ": ";
    switch (kind) {
        case ErrorKind::taken:
            text += "taken by ";
            if (owner_pid) {
                return text + "process " + std::to_string(*owner_pid) + " (" + owner_name + ")";
            }
            return text + "netlink port " + std::to_string(owner_portid);
        case ErrorKind::no_permission:
            return text + "not permitted without CAP_NET_ADMIN";
        case ErrorKind::not_supported:
            return text + "this kernel has no " + lacking;
        case ErrorKind::invalid_config:
            return text + "invalid configuration";
        case ErrorKind::system:
            break;
    }
    return text + errno_text(errno_number);
}

namespace netlink {

Error system_error(std::string operation, int errno_number) {
    Error error{.operation = std::move(operation), .errno_number = errno_number};
    if (errno_number == EPERM || errno_number == EACCES) {
        error.kind = ErrorKind::no_permission;
    } else if (errno_number == EPROTONOSUPPORT || errno_number == EAFNOSUPPORT) {
        error.kind = ErrorKind::not_supported;
        error.lacking = "nfnetlink";
    }
    return error;
}

Error invalid_config(std::string operation) {
    return {.kind = ErrorKind::invalid_config, .operation = std::move(operation), .errno_number = EINVAL};
}

Error bind_error(const Binding& binding, int errno_number, std::uint32_t own_portid) {
    Error error = system_error(binding.operation, errno_number);
    // nfnetlink answers EINVAL for a subsystem that is not there and cannot be loaded (nfnetlink_rcv_msg).
    if (errno_number == EINVAL) {
        error.kind = ErrorKind::not_supported;
        error.lacking = binding.subsystem;
    }
    if (errno_number == EPERM) {
        std::optional<SocketOwner> owner;
        in_network_namespace(binding.netns_fd, [&] {
            owner = find_socket_owner(binding.subsystem, binding.number, own_portid);
        });
        if (owner) {
            error.kind = ErrorKind::taken;
            error.owner_portid = owner->portid;
            error.owner_pid = owner->pid;
            error.owner_name = owner->name;
        }
    }
    return error;
}

}  // namespace netlink
}  // namespace farewell

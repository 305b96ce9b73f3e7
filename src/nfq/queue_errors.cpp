// SPDX-License-Identifier: MIT
#include "nfq/queue_errors.hpp"

#include <cerrno>
#include <utility>

#include "netlink/network_namespace.hpp"
#include "nfq/queue_owner.hpp"

namespace farewell::nfq {

Error system_error(std::string operation, int errno_number) {
    Error error;
    error.operation = std::move(operation);
    error.errno_number = errno_number;
    if (errno_number == EPERM || errno_number == EACCES) {
        error.kind = ErrorKind::no_permission;
    } else if (errno_number == EPROTONOSUPPORT || errno_number == EAFNOSUPPORT) {
        error.kind = ErrorKind::not_supported;
    }
    return error;
}

Error bind_error(const QueueConfig& config, int errno_number, std::uint32_t own_portid) {
    Error error = system_error("bind queue " + std::to_string(config.number), errno_number);
    // nfnetlink answers EINVAL for a subsystem that is not there and cannot be loaded (nfnetlink_rcv_msg).
    if (errno_number == EINVAL) {
        error.kind = ErrorKind::not_supported;
    }
    if (errno_number == EPERM) {
        std::optional<QueueOwner> owner;
        netlink::in_network_namespace(config.netns_fd,
                                      [&] { owner = find_queue_owner(config.number, own_portid); });
        if (owner) {
            error.kind = ErrorKind::queue_taken;
            error.owner_portid = owner->portid;
            error.owner_pid = owner->pid;
            error.owner_name = owner->name;
        }
    }
    return error;
}

}  // namespace farewell::nfq

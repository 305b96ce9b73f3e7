// SPDX-License-Identifier: MIT
#include <farewell/nfq/error.hpp>

#include <string>
#include <system_error>

namespace farewell::nfq {

std::string Error::message() const {
    std::string text = operation + ": ";
    switch (kind) {
        case ErrorKind::queue_taken:
            text += "taken by ";
            if (owner_pid) {
                return text + "process " + std::to_string(*owner_pid) + " (" + owner_name + ")";
            }
            return text + "netlink port " + std::to_string(owner_portid);
        case ErrorKind::no_permission:
            return text + "not permitted without CAP_NET_ADMIN";
        case ErrorKind::not_supported:
            return text + "this kernel has no nfnetlink_queue";
        case ErrorKind::invalid_config:
            return text + "invalid configuration";
        case ErrorKind::system:
            break;
    }
    return text + std::error_code(errno_number, std::generic_category()).message();
}

}  // namespace farewell::nfq

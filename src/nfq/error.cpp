// SPDX-License-Identifier: MIT
#include <farewell/nfq/error.hpp>

#include <cstring>
#include <string>
#include <system_error>

namespace farewell::nfq {
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
    return text + errno_text(errno_number);
}

}  // namespace farewell::nfq

// SPDX-License-Identifier: MIT
#include "netlink/network_namespace.hpp"

#include <sched.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace farewell::netlink {

int in_network_namespace(std::optional<int> netns_fd, const std::function<void()>& function) {
    if (!netns_fd) {
        function();
        return 0;
    }
    int reason = 0;
    try {
        std::jthread([&] {
            if (setns(*netns_fd, CLONE_NEWNET) == 0) {
                function();
            } else {
                reason = errno;
            }
        }).join();
    } catch (const std::system_error& refused) {
        return refused.code().value();
    }
    return reason;
}

}  // namespace farewell::netlink

// SPDX-License-Identifier: GPL-2.0-or-later
// What listens in this network namespace, asked of the kernel. Threads: one. Cost: some microseconds a
// socket.
#pragma once

#include <cstdint>
#include <expected>
#include <farewell/error.hpp>
#include <memory>
#include <vector>

#include "core/port.hpp"
#include "netlink/channel.hpp"

namespace farewell::host {

class ListenerScan {
 public:
    /// The error: a kernel without sock_diag.
    [[nodiscard]] static std::expected<ListenerScan, Error> open();

    /// All of them, in any order and with repetitions; or the errno that kept one kind from being listed.
    [[nodiscard]] std::expected<std::vector<core::Port>, int> read();

 private:
    explicit ListenerScan(std::unique_ptr<netlink::Channel> channel) : channel_(std::move(channel)) {}
    std::unique_ptr<netlink::Channel> channel_;
    std::uint32_t sequence_ = 0;
};

}  // namespace farewell::host

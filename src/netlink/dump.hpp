// SPDX-License-Identifier: MIT
// A question to the kernel that is answered by many messages.
#pragma once

#include <cstdint>
#include <expected>
#include <farewell/error.hpp>
#include <functional>
#include <memory>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"
#include "netlink/socket.hpp"

namespace farewell::netlink {

/// A socket to dump by. Costs 128 KiB.
[[nodiscard]] std::expected<std::unique_ptr<Channel>, Error> open_dump_socket(Subsystem subsystem);

/// Sends the question and hands over its answers until the last. 0 or an errno: EINTR where the kernel
/// changed things meanwhile and the answers may not fit together, ETIMEDOUT after five seconds.
[[nodiscard]] int dump(Channel& channel, const MessageWriter& question, std::uint32_t sequence,
                       const std::function<void(const Message&)>& on_message);

}  // namespace farewell::netlink

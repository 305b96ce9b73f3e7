// SPDX-License-Identifier: GPL-2.0-or-later
// A question to the kernel that is answered by many messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"

namespace farewell::host {

/// Sends the question and hands over its answers until the last. 0 or an errno: EINTR where the kernel
/// changed things meanwhile and the answers may not fit together, ETIMEDOUT after five seconds.
[[nodiscard]] int dump(netlink::Channel& channel, const netlink::MessageWriter& question,
                       std::uint32_t sequence,
                       const std::function<void(const netlink::Message&)>& on_message);

/// How datagrams are received: the kernel fills as much as there is room for, up to 32 KiB.
inline constexpr std::size_t kDumpSlots = 4;
inline constexpr std::size_t kDumpSlotBytes = std::size_t{32} << 10;

}  // namespace farewell::host

// SPDX-License-Identifier: MIT
// What the kernel tells of a packet beside its bytes, as queues and log groups have it in common.
#pragma once

#include <chrono>
#include <cstdint>

namespace farewell {

/// Where in the stack the packet was seen (enum nf_inet_hooks).
enum class Hook : std::uint8_t { prerouting, input, forward, output, postrouting, ingress };

/// The kernel's clock when the packet arrived, as sys_time: only where something asked for time stamps.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

}  // namespace farewell

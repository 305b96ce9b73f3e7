// SPDX-License-Identifier: MIT
// From an errno to the Error that says what a caller can do about it.
#pragma once

#include <cstdint>
#include <farewell/nfq/error.hpp>
#include <farewell/nfq/queue.hpp>
#include <string>

namespace farewell::nfq {

[[nodiscard]] Error system_error(std::string operation, int errno_number);

/// The kernel says EPERM both for a missing capability and for a queue that another socket holds; /proc tells
/// them apart. Reads /proc in that case.
[[nodiscard]] Error bind_error(const QueueConfig& config, int errno_number, std::uint32_t own_portid);

}  // namespace farewell::nfq

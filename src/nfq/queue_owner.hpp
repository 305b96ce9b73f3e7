// SPDX-License-Identifier: MIT
// Who holds a queue: for the error that says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace farewell::nfq {

struct QueueOwner {
    std::uint32_t portid = 0;
    std::optional<int> pid;
    std::string name;
};

/// nullopt if nobody but `own_portid` has bound the queue, or /proc does not tell.
[[nodiscard]] std::optional<QueueOwner> find_queue_owner(std::uint16_t number, std::uint32_t own_portid);

}  // namespace farewell::nfq

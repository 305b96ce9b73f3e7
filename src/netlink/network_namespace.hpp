// SPDX-License-Identifier: MIT
// Something done in another network namespace.
#pragma once

#include <functional>
#include <optional>

namespace farewell::netlink {

/// Calls `function` in the network namespace that `netns_fd` is open on, or right here without one. It runs
/// in a thread of its own, because setns(2) changes the whole thread and going back could fail. 0, or the
/// errno that kept it from being called.
int in_network_namespace(std::optional<int> netns_fd, const std::function<void()>& function);

}  // namespace farewell::netlink

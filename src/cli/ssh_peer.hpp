// SPDX-License-Identifier: GPL-2.0-or-later
// Where this session comes from.
#pragma once

#include <optional>

#include "core/address.hpp"

namespace farewell::cli {

/// The far end of the SSH session that this program runs in: SSH_CONNECTION (sshd(8)) of its own environment
/// or, as sudo takes it away, of the nearest ancestor's that has it. IPv4 in IPv6 form is given as IPv4.
/// nullopt: there is none, or the ancestors' environment may not be read.
[[nodiscard]] std::optional<core::Address> ssh_peer();

}  // namespace farewell::cli

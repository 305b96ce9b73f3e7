// SPDX-License-Identifier: GPL-2.0-or-later
// What `farewell replay --open` takes: [PROTOCOL/][HOST:]PORT.
#pragma once

#include <optional>
#include <string_view>

#include "replay/firewall.hpp"

namespace farewell::cli {

/// "443", "udp/53", "192.0.2.1:80", "tcp/[2001:db8::1]:443"; nullopt for anything else.
[[nodiscard]] std::optional<replay::OpenPort> parse_open_port(std::string_view text);

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// Somebody who is logged in from another host, as the system's records have it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/address.hpp"

namespace farewell::host {

struct RemoteSession {
    std::string host;                      ///< as it was recorded: a name or an address; may be empty
    std::optional<core::Address> address;  ///< of the far end; nullopt: only its name is known
    friend bool operator==(const RemoteSession&, const RemoteSession&) = default;
};

/// "192.0.2.7", "::ffff:192.0.2.7" (which is IPv4), "fe80::1%eth0". nullopt for a name.
[[nodiscard]] std::optional<core::Address> parse_far_end(std::string_view text);

}  // namespace farewell::host

// SPDX-License-Identifier: GPL-2.0-or-later
// sock_diag's messages about sockets that wait for strangers: TCP and SCTP that listen, UDP that is bound and
// not connected. Pure. The numbers are of linux/inet_diag.h and linux/sock_diag.h.
#pragma once

#include <cstdint>
#include <optional>

#include "core/address.hpp"
#include "core/port.hpp"
#include "netlink/message.hpp"

namespace farewell::host {

/// Asks for all sockets of this family and protocol that wait for strangers.
void append_listener_question(netlink::MessageWriter& writer, core::Family family, std::uint8_t protocol,
                              std::uint32_t sequence);

/// The port that such a socket serves. nullopt for any other message, and for a socket of the loopback
/// address: it serves nobody outside. The message does not say which protocol: it is the question's.
[[nodiscard]] std::optional<core::Port> parse_listener(const netlink::Message& message,
                                                       std::uint8_t protocol);

}  // namespace farewell::host

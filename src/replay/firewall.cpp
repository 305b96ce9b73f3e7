// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/firewall.hpp"

#include <algorithm>

namespace farewell::replay {

bool OpenPort::covers(const core::Packet& packet) const {
    return packet.has_ports && packet.destination_port == number && (!host || *host == packet.destination) &&
           (!protocol || *protocol == packet.protocol);
}

Fate Firewall::fate_of(const core::Packet& packet) const {
    if (std::ranges::any_of(open_, [&packet](const OpenPort& port) { return port.covers(packet); })) {
        return Fate::answered;
    }
    return drops_all_ ? Fate::dropped : conversations_.fate_of(packet);
}

}  // namespace farewell::replay

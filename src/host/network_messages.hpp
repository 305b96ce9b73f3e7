// SPDX-License-Identifier: GPL-2.0-or-later
// rtnetlink's messages about links, addresses and routes, as far as they tell what the host is and whom it
// needs. Pure: bytes in, values out. The numbers are of linux/rtnetlink.h and linux/if_addr.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/address.hpp"
#include "core/knowledge.hpp"
#include "netlink/message.hpp"

namespace farewell::host {

/// nullopt for any other message, RTM_DELLINK among them.
[[nodiscard]] std::optional<core::Knowledge::Interface> parse_link(const netlink::Message& message);

/// One address of an interface.
struct InterfaceAddress {
    core::Address own;
    core::Prefix network;  // of what is directly connected by it; a point-to-point peer is such a network
};
/// nullopt for any other message, RTM_DELADDR among them.
[[nodiscard]] std::optional<InterfaceAddress> parse_address(const netlink::Message& message);

enum class RouteKind : std::uint8_t {
    other,      // whatever does not concern us
    outwards,   // to everything, or to one half of it as VPNs like to have it
    connected,  // to a network on the link, as the kernel, router advertisements or DHCP have set it
    broadcast,  // to a directed broadcast address
};
struct Route {
    RouteKind kind = RouteKind::other;
    core::Prefix destination;
    std::vector<core::Address> gateways;  // all next hops; empty when the route has none
};
/// Both of RTM_NEWROUTE and RTM_DELROUTE; nullopt for any other message.
[[nodiscard]] std::optional<Route> parse_route(const netlink::Message& message);

/// Whether what a message tells can change anything of the above. Routers learn a thousand routes a second
/// that do not.
[[nodiscard]] bool is_relevant_change(const netlink::Message& message);

enum class NetworkQuestion : std::uint8_t { interfaces, addresses, routes4, routes6 };
/// Asks for all of them.
void append_question(netlink::MessageWriter& writer, NetworkQuestion question, std::uint32_t sequence);

/// RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE, as bits. The links too: IPv4 routes go
/// with their link, and the kernel does not tell of each.
inline constexpr std::uint32_t kNetworkGroups =
    1U << (1 - 1) | 1U << (5 - 1) | 1U << (7 - 1) | 1U << (9 - 1) | 1U << (11 - 1);

}  // namespace farewell::host

// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/network_messages.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace farewell::host {
namespace {

using netlink::Attribute;
using netlink::AttributeReader;
using netlink::Message;
using Bytes = std::span<const std::byte>;

constexpr std::size_t kLinkHeaderBytes = 16;    // struct ifinfomsg
constexpr std::size_t kLinkIndexAt = 4;         // in it
constexpr std::size_t kAddressHeaderBytes = 8;  // struct ifaddrmsg
constexpr std::size_t kRouteHeaderBytes = 12;   // struct rtmsg
constexpr std::size_t kNextHopBytes = 8;        // struct rtnexthop
constexpr std::size_t kGatewaysMax = 64;        // of one route; more are not looked at
constexpr std::uint8_t kOutwardsLengthMax = 1;

std::uint8_t byte_at(Bytes bytes, std::size_t index) {
    return std::to_integer<std::uint8_t>(bytes[index]);
}

std::optional<core::Address> address_of(std::uint8_t family, Bytes bytes) {
    if (family == AF_INET && bytes.size() == 4) {
        return core::Address::ipv4(bytes.first<4>());
    }
    if (family == AF_INET6 && bytes.size() == 16) {
        return core::Address::ipv6(bytes.first<16>());
    }
    return std::nullopt;
}

std::uint8_t length_max(std::uint8_t family) {
    return family == AF_INET ? 32 : 128;
}

bool is_internet(std::uint8_t family) {
    return family == AF_INET || family == AF_INET6;
}

/// RTA_VIA, struct rtvia: a next hop of another family, such as IPv4 by an IPv6 router.
std::optional<core::Address> via_of(Bytes value) {
    if (value.size() < 2) {
        return std::nullopt;
    }
    const std::uint16_t family = netlink::read_u16(value);
    return is_internet(static_cast<std::uint8_t>(family))
               ? address_of(static_cast<std::uint8_t>(family), value.subspan(2))
               : std::nullopt;
}

void add_gateway(Route& route, const Attribute& attribute, std::uint8_t family) {
    const auto gateway = attribute.type == RTA_GATEWAY ? address_of(family, attribute.value)
                         : attribute.type == RTA_VIA   ? via_of(attribute.value)
                                                       : std::nullopt;
    if (gateway && !gateway->is_unspecified() && route.gateways.size() < kGatewaysMax) {
        route.gateways.push_back(*gateway);
    }
}

/// RTA_MULTIPATH: next hops, each a struct rtnexthop whose length covers its attributes.
void add_next_hops(Route& route, Bytes hops, std::uint8_t family) {
    while (hops.size() >= kNextHopBytes) {
        const std::size_t length = netlink::read_u16(hops);
        if (length < kNextHopBytes || length > hops.size()) {
            return;
        }
        AttributeReader attributes(hops.first(length).subspan(kNextHopBytes));
        while (const auto attribute = attributes.next()) {
            add_gateway(route, *attribute, family);
        }
        const std::size_t step = netlink::aligned(length);
        hops = step < hops.size() ? hops.subspan(step) : Bytes();
    }
}

/// By whom a network on the link is set: the kernel for an address, router advertisements, DHCP. What an
/// operator or a VPN sends into a tunnel is not on the link, though it has no gateway either.
bool is_of_the_link(std::uint8_t protocol) {
    return protocol == RTPROT_KERNEL || protocol == RTPROT_RA || protocol == RTPROT_DHCP;
}

std::uint16_t type_of(NetworkQuestion question) {
    switch (question) {
        case NetworkQuestion::interfaces:
            return RTM_GETLINK;
        case NetworkQuestion::addresses:
            return RTM_GETADDR;
        case NetworkQuestion::routes4:
        case NetworkQuestion::routes6:
            break;
    }
    return RTM_GETROUTE;
}

std::size_t header_bytes(NetworkQuestion question) {
    return question == NetworkQuestion::interfaces  ? kLinkHeaderBytes
           : question == NetworkQuestion::addresses ? kAddressHeaderBytes
                                                    : kRouteHeaderBytes;
}

std::uint8_t family_of(NetworkQuestion question) {
    return question == NetworkQuestion::routes4   ? AF_INET
           : question == NetworkQuestion::routes6 ? AF_INET6
                                                  : AF_UNSPEC;
}

}  // namespace

std::optional<core::Knowledge::Interface> parse_link(const Message& message) {
    if (message.type != RTM_NEWLINK || message.body.size() < kLinkHeaderBytes) {
        return std::nullopt;
    }
    AttributeReader attributes(message.body.subspan(kLinkHeaderBytes));
    while (const auto attribute = attributes.next()) {
        if (attribute->type == IFLA_IFNAME) {
            const auto name =
                attribute->value.first(std::min<std::size_t>(attribute->value.size(), IFNAMSIZ));
            core::Knowledge::Interface link{
                .index = netlink::read_u32(Bytes(message.body).subspan(kLinkIndexAt)), .name = {}};
            for (const std::byte letter : name) {
                if (letter == std::byte{0}) {
                    break;
                }
                link.name.push_back(static_cast<char>(letter));
            }
            return link.name.empty() || link.index == 0 ? std::nullopt : std::optional(std::move(link));
        }
    }
    return std::nullopt;
}

std::optional<InterfaceAddress> parse_address(const Message& message) {
    if (message.type != RTM_NEWADDR || message.body.size() < kAddressHeaderBytes) {
        return std::nullopt;
    }
    const std::uint8_t family = byte_at(message.body, 0);
    const std::uint8_t length = byte_at(message.body, 1);
    if (!is_internet(family) || length > length_max(family)) {
        return std::nullopt;
    }
    std::optional<core::Address> local;
    std::optional<core::Address> address;
    AttributeReader attributes(message.body.subspan(kAddressHeaderBytes));
    while (const auto attribute = attributes.next()) {
        if (attribute->type == IFA_LOCAL) {
            local = address_of(family, attribute->value);
        } else if (attribute->type == IFA_ADDRESS) {
            address = address_of(family, attribute->value);
        }
    }
    // Where both are there, IFA_ADDRESS is the far end (linux/if_addr.h); they are the same but on
    // point-to-point links.
    if (!address && !local) {
        return std::nullopt;
    }
    const core::Address far = address ? *address : *local;
    return InterfaceAddress{.own = local ? *local : *address,
                            .network = {.address = far.masked(length), .length = length}};
}

std::optional<Route> parse_route(const Message& message) {
    if ((message.type != RTM_NEWROUTE && message.type != RTM_DELROUTE) ||
        message.body.size() < kRouteHeaderBytes) {
        return std::nullopt;
    }
    const Bytes header = message.body;
    const std::uint8_t family = byte_at(header, 0);
    const std::uint8_t length = byte_at(header, 1);
    const std::uint8_t protocol = byte_at(header, 5);
    const std::uint8_t type = byte_at(header, 7);
    const bool is_cached = (netlink::read_u32(header.subspan(8)) & RTM_F_CLONED) != 0;
    if (!is_internet(family) || length > length_max(family)) {
        return std::nullopt;
    }
    Route route;
    core::Address destination =
        family == AF_INET ? core::Address() : core::Address::ipv6(std::array<std::byte, 16>{});
    AttributeReader attributes(message.body.subspan(kRouteHeaderBytes));
    while (const auto attribute = attributes.next()) {
        if (attribute->type == RTA_DST) {
            const auto written = address_of(family, attribute->value);
            destination = written ? *written : destination;
        } else if (attribute->type == RTA_MULTIPATH) {
            add_next_hops(route, attribute->value, family);
        } else {
            add_gateway(route, *attribute, family);
        }
    }
    route.destination = {.address = destination.masked(length), .length = length};
    if (is_cached) {
        return route;
    }
    if (type == RTN_BROADCAST && length == length_max(family)) {
        route.kind = RouteKind::broadcast;
    } else if (type == RTN_UNICAST && length <= kOutwardsLengthMax) {
        route.kind = RouteKind::outwards;
    } else if (type == RTN_UNICAST && route.gateways.empty() && is_of_the_link(protocol)) {
        route.kind = RouteKind::connected;
    }
    return route;
}

bool is_relevant_change(const Message& message) {
    switch (message.type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
        case RTM_NEWADDR:
        case RTM_DELADDR:
            return true;
        default: {
            const auto route = parse_route(message);
            return route && route->kind != RouteKind::other;
        }
    }
}

void append_question(netlink::MessageWriter& writer, NetworkQuestion question, std::uint32_t sequence) {
    writer.begin(type_of(question), NLM_F_REQUEST | NLM_F_DUMP, sequence);
    writer.put_u8(family_of(question));
    // The rest of the header says which of them: all.
    for (std::size_t i = 1; i < header_bytes(question); ++i) {
        writer.put_u8(0);
    }
    writer.end();
}

}  // namespace farewell::host

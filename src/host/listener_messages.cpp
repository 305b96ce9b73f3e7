// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/listener_messages.hpp"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/decode.hpp"

namespace farewell::host {
namespace {

using Bytes = std::span<const std::byte>;

// The kernel's states of a socket, a bit each in a question (include/net/tcp_states.h). An unconnected UDP
// socket is in the state that TCP calls closed.
constexpr std::uint32_t kClosed = 7;
constexpr std::uint32_t kListening = 10;

// struct inet_diag_msg
constexpr std::size_t kMessageBytes = 72;
constexpr std::size_t kStateAt = 1;
constexpr std::size_t kSourcePortAt = 4;
constexpr std::size_t kDestinationPortAt = 6;
constexpr std::size_t kSourceAt = 8;

constexpr std::size_t kSocketIdBytes = 48;  // struct inet_diag_sockid

/// ::ffff:127.0.0.1 and its like: a socket of both families that is bound to one.
bool is_mapped_loopback(Bytes address) {
    constexpr std::size_t kMappedAt = 10;
    return std::ranges::all_of(address.first(kMappedAt),
                               [](std::byte byte) { return byte == std::byte{0}; }) &&
           address[kMappedAt] == std::byte{0xff} && address[kMappedAt + 1] == std::byte{0xff} &&
           address[kMappedAt + 2] == std::byte{127};
}

bool is_loopback(std::uint8_t family, Bytes address) {
    if (family == AF_INET) {
        return core::Address::ipv4(address.first<4>()).is_loopback();
    }
    return core::Address::ipv6(address.first<16>()).is_loopback() || is_mapped_loopback(address);
}

std::uint32_t waiting_state(std::uint8_t protocol) {
    return protocol == core::protocol::kUdp ? kClosed : kListening;
}

}  // namespace

void append_listener_question(netlink::MessageWriter& writer, core::Family family, std::uint8_t protocol,
                              std::uint32_t sequence) {
    writer.begin(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, sequence);
    writer.put_u8(family == core::Family::ipv4 ? AF_INET : AF_INET6);  // struct inet_diag_req_v2
    writer.put_u8(protocol);
    writer.put_u8(0);  // no extensions
    writer.put_u8(0);
    writer.put_u32(1U << waiting_state(protocol));
    for (std::size_t i = 0; i < kSocketIdBytes; ++i) {
        writer.put_u8(0);  // any socket
    }
    writer.end();
}

std::optional<core::Port> parse_listener(const netlink::Message& message, std::uint8_t protocol) {
    if (message.type != SOCK_DIAG_BY_FAMILY || message.body.size() < kMessageBytes) {
        return std::nullopt;
    }
    const Bytes body = message.body;
    const auto family = std::to_integer<std::uint8_t>(body[0]);
    if ((family != AF_INET && family != AF_INET6) ||
        std::to_integer<std::uint32_t>(body[kStateAt]) != waiting_state(protocol) ||
        is_loopback(family, body.subspan(kSourceAt, 16))) {
        return std::nullopt;
    }
    const std::uint16_t number = netlink::read_be16(body.subspan(kSourcePortAt));
    if (number == 0 || netlink::read_be16(body.subspan(kDestinationPortAt)) != 0) {
        return std::nullopt;
    }
    return core::Port{.protocol = protocol, .number = number};
}

}  // namespace farewell::host

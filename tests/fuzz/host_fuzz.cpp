// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as what the kernel says of addresses, routes, sockets and tracked connections, and as the files
// about resolvers, services and logins: read without going beyond them, and with answers that hold together.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "conntrack/flow_messages.hpp"
#include "core/decode.hpp"
#include "host/listener_messages.hpp"
#include "host/network_messages.hpp"
#include "host/resolver_file.hpp"
#include "host/service_memory.hpp"
#include "host/utmp_file.hpp"
#include "netlink/message.hpp"

namespace {

using namespace farewell;

void check(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void read_message(const netlink::Message& message) {
    if (const auto address = host::parse_address(message)) {
        check(address->network.length <= address->network.address.bytes().size() * 8);
        check(address->network.address == address->network.address.masked(address->network.length));
    }
    if (const auto route = host::parse_route(message)) {
        check(route->destination.length <= route->destination.address.bytes().size() * 8);
        check(host::is_relevant_change(message) == (route->kind != host::RouteKind::other));
        check(std::ranges::none_of(route->gateways, &core::Address::is_unspecified));
    }
    if (const auto link = host::parse_link(message)) {
        check(link->index != 0 && !link->name.empty());
    }
    for (const std::uint8_t protocol : {core::protocol::kTcp, core::protocol::kUdp, core::protocol::kSctp}) {
        if (const auto port = host::parse_listener(message, protocol)) {
            check(port->protocol == protocol && port->number != 0);
        }
    }
}

/// What is read of an entry is enough to remove it, and nothing else.
void read_flow(const netlink::Message& message) {
    if (const auto flow = conntrack::parse_flow(message)) {
        netlink::MessageWriter removal;
        check(conntrack::append_removal(removal, *flow, 1, false));
        check(!flow->tuple.empty() && flow->opened_by.family() == flow->family);
    }
}

/// What is taken over is written down again as it was.
void read_services(std::string_view text) {
    constexpr core::Time kNow{std::chrono::hours(24 * 366)};
    constexpr host::WallTime kWall{std::chrono::seconds(1'790'000'000)};
    host::ServiceMemory memory(std::chrono::hours(24));
    if (!memory.take_text(text, kNow, kWall)) {
        check(memory.served().empty());
        return;
    }
    check(memory.served().size() <= host::ServiceMemory::kPortsMax);
    host::ServiceMemory again(std::chrono::hours(24));
    check(again.take_text(memory.to_text(kNow, kWall), kNow, kWall).has_value());
    check(again.served() == memory.served());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::transform(data, data + size, bytes.begin(), [](std::uint8_t value) { return std::byte{value}; });
    netlink::MessageReader reader(bytes);
    while (const auto message = reader.next()) {
        read_message(*message);
        read_flow(*message);
    }
    const std::vector<char> text(data, data + size);
    check(host::parse_resolvers({text.data(), text.size()}).size() <= host::kResolversMax);
    read_services({text.data(), text.size()});
    const auto sessions =
        host::parse_utmp({text.data(), text.size()}, [](int process) { return process % 2 == 0; });
    check(std::ranges::all_of(sessions, [](const host::RemoteSession& session) {
        return session.address ? !session.address->is_unspecified() || !session.host.empty()
                               : !session.host.empty();
    }));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/listener_scan.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/decode.hpp"
#include "host/listener_messages.hpp"
#include "netlink/dump.hpp"
#include "netlink/errors.hpp"
#include "netlink/socket.hpp"

namespace farewell::host {
namespace {

/// Asking for SCTP would load the module where it is not (inet_diag_lock_handler), and a host without the
/// module has no such listeners.
bool has_sctp() {
    return access("/proc/net/sctp", F_OK) == 0;
}

}  // namespace

std::expected<ListenerScan, Error> ListenerScan::open() {
    auto channel = netlink::open_dump_socket(netlink::Subsystem::sock_diag);
    if (!channel) {
        return std::unexpected(channel.error());
    }
    return ListenerScan(std::move(*channel));
}

std::expected<std::vector<core::Port>, int> ListenerScan::read() {
    std::vector<std::uint8_t> protocols{core::protocol::kTcp, core::protocol::kUdp};
    if (has_sctp()) {
        protocols.push_back(core::protocol::kSctp);
    }
    std::vector<core::Port> ports;
    netlink::MessageWriter question;
    for (const std::uint8_t protocol : protocols) {
        for (const core::Family family : {core::Family::ipv4, core::Family::ipv6}) {
            ++sequence_;
            question.clear();
            append_listener_question(question, family, protocol, sequence_);
            const int reason =
                netlink::dump(*channel_, question, sequence_, [&](const netlink::Message& message) {
                    if (const auto port = parse_listener(message, protocol)) {
                        ports.push_back(*port);
                    }
                });
            // What changes while it is listed is seen the next time.
            if (reason != 0 && reason != EINTR) {
                return std::unexpected(reason);
            }
        }
    }
    return ports;
}

}  // namespace farewell::host

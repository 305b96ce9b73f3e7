// SPDX-License-Identifier: MIT
// Lets new TCP and UDP flows through to the ports on its command line, and drops all others.
// The rule:  nft add rule inet filter input ct state new meta l4proto { tcp, udp } queue num 1
//       or:  iptables -A INPUT -m conntrack --ctstate NEW -p tcp -j NFQUEUE --queue-num 1
//            and the same with -p udp, and both with ip6tables
// Try it:    port_accept_list 22 80 & curl --max-time 1 http://127.0.0.1:81/
#include <netinet/in.h>

#include <cstdlib>
#include <farewell/nfq/queue.hpp>
#include <farewell/stop.hpp>
#include <iostream>
#include <set>

using namespace farewell;

/// 0: there is none, because it is another protocol, or malformed. Conntrack has put fragments together.
unsigned destination_port(std::span<const std::byte> packet) {
    const auto byte = [&](std::size_t at) {
        return at < packet.size() ? std::to_integer<unsigned>(packet[at]) : 0U;
    };
    std::size_t at = std::size_t{byte(0) & 0xfU} * 4;
    unsigned protocol = byte(9);
    if (byte(0) >> 4U == 6) {
        at = 40;
        protocol = byte(6);
        while ((protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS) &&
               at < packet.size()) {
            protocol = byte(at);
            at += std::size_t{byte(at + 1) + 1} * 8;
        }
    } else if (byte(0) >> 4U != 4 || at < 20 || (byte(6) & 0x1fU) != 0 || byte(7) != 0) {
        return 0;  // no IP, or a fragment without a transport header
    }
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ? byte(at + 2) << 8U | byte(at + 3) : 0;
}

int main(int count, char** arguments) {
    std::set<unsigned> ports;
    for (int i = 1; i < count; ++i) {
        ports.insert(static_cast<unsigned>(std::strtoul(arguments[i], nullptr, 10)));
    }
    if (ports.empty() || *ports.begin() == 0 || *ports.rbegin() > 0xffff) {
        return std::cerr << "usage: port_accept_list PORT...\n", 2;
    }
    auto queue = nfq::Queue::open({.number = 1});
    if (!queue) {
        return std::cerr << queue.error().message() << '\n', 1;
    }
    const auto judge = [&](const nfq::Packet& packet) {
        return ports.contains(destination_port(packet.payload)) ? nfq::Verdict::accept()
                                                                : nfq::Verdict::drop();
    };
    return queue->run(judge, stop_on_signals()) ? 0 : 1;
}

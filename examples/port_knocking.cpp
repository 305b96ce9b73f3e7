// SPDX-License-Identifier: MIT
// Opens a port for 30 seconds to who has knocked at others, in order and within 10 seconds, and at no other
// in between. The rule:  nft add rule inet filter input tcp flags syn / fin,syn,rst,ack queue num 3
//       or:  iptables -A INPUT -p tcp --syn -j NFQUEUE --queue-num 3     (and ip6tables); last in the chain
// Try it:    port_knocking 22 7001 8002 9003 & for p in 7001 8002 9003 22; do nc -zw1 127.0.0.1 $p; done
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <farewell/nfq/queue.hpp>
#include <farewell/stop.hpp>
#include <iostream>
#include <map>
#include <vector>

using namespace farewell;
using namespace std::chrono_literals;

struct Visitor {
    std::size_t knocks = 0;
    std::chrono::steady_clock::time_point until;
};

int main(int count, char** arguments) {
    std::vector<unsigned long> ports;  // the one to open, then the knocks
    for (int i = 1; i < count; ++i) {
        ports.push_back(std::strtoul(arguments[i], nullptr, 10));
    }
    auto queue = nfq::Queue::open({.number = 3});
    if (!queue || ports.size() < 2) {
        return std::cerr << (queue ? "usage: port_knocking PORT KNOCK..." : queue.error().message()) << '\n',
               1;
    }
    std::map<std::array<std::byte, 16>, Visitor> visitors;  // by address
    const auto judge = [&](const nfq::Packet& packet) {
        const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(packet.payload[at]); };
        const bool ipv6 = packet.hardware_protocol == 0x86dd;
        const std::size_t tcp = ipv6 || packet.payload.empty() ? 40 : std::size_t{byte(0) & 0xfU} * 4;
        if (tcp < 20 || packet.payload.size() < tcp + 20 || byte(ipv6 ? 6 : 9) != 6) {
            return nfq::Verdict::drop();  // malformed, or behind extension headers
        }
        const unsigned long port = byte(tcp + 2) << 8U | byte(tcp + 3);
        const auto now = std::chrono::steady_clock::now();
        if (visitors.size() == 10'000) {
            visitors.clear();  // a flood of forged knocks; who is honest knocks once more
        }
        std::array<std::byte, 16> source{};
        std::ranges::copy_backward(packet.payload.subspan(ipv6 ? 8 : 12, ipv6 ? 16 : 4), source.end());
        Visitor& who = visitors[source];
        who.knocks = now < who.until ? who.knocks : 0;
        const bool is_open = who.knocks + 1 == ports.size();
        if (!is_open && (who.knocks == 0 || port != ports[who.knocks])) {  // else it is sent again
            who.knocks = port == ports[who.knocks + 1] ? who.knocks + 1 : std::size_t{port == ports[1]};
            who.until = now + (who.knocks + 1 == ports.size() ? 30s : 10s);
        }
        return is_open && port == ports[0] ? nfq::Verdict::accept() : nfq::Verdict::drop();
    };
    return queue->run(judge, stop_on_signals()) ? 0 : 1;
}

// SPDX-License-Identifier: MIT
// Marks with 1 what a source sends beyond so many packets a second (bursts of a second's worth are free), and
// lets it go on: what to do with marked packets, drop, log or slow down, is left to rules. The rule:  nft add
// chain inet filter limit '{ type filter hook prerouting priority mangle; }'
//            nft add rule inet filter limit meta l4proto udp queue num 4
//            nft add rule inet filter input meta mark 1 counter drop
//       or:  iptables -t mangle -A PREROUTING -p udp -j NFQUEUE --queue-num 4     (and ip6tables)
//            iptables -A INPUT -m mark --mark 1 -j DROP
// Try it:    rate_limiter 10 & for i in {1..20}; do echo >/dev/udp/127.0.0.1/9; done; iptables -vL INPUT
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <farewell/nfq/queue.hpp>
#include <farewell/stop.hpp>
#include <iostream>
#include <map>

using namespace farewell;
using Clock = std::chrono::steady_clock;

int main(int count, char** arguments) {
    const unsigned long rate = count == 2 ? std::strtoul(arguments[1], nullptr, 10) : 0;
    if (rate == 0 || rate > 1'000'000) {
        return std::cerr << "usage: rate_limiter PACKETS_A_SECOND\n", 2;
    }
    auto queue = nfq::Queue::open({.number = 4, .copy_range = 40, .default_verdict = nfq::Verdict::accept()});
    if (!queue) {
        return std::cerr << queue.error().message() << '\n', 1;
    }
    const Clock::duration interval = Clock::duration(std::chrono::seconds(1)) / static_cast<long>(rate);
    std::map<std::array<std::byte, 16>, Clock::time_point>
        due;  // when all of a source's packets are paid for
    const auto mark_excess = [&](nfq::Batch& batch) {
        const Clock::time_point now = Clock::now();
        for (const nfq::Packet& packet : batch.packets()) {
            const bool ipv6 = packet.hardware_protocol == 0x86dd;
            if (packet.payload.size() < (ipv6 ? 40 : 20)) {
                continue;  // no address to count it for
            }
            if (due.size() == 100'000) {
                due.clear();  // a flood of forged sources; all begin anew
            }
            const auto address = packet.payload.subspan(ipv6 ? 8 : 12, ipv6 ? 16 : 4);
            std::array<std::byte, 16> source{};
            std::ranges::copy_backward(address, source.end());
            Clock::time_point& paid = due[source];
            paid = std::max(paid, now);
            if (paid - now > std::chrono::seconds(1) - interval) {
                batch.set_mark(packet, 1);
            } else {
                paid += interval;
            }
        }
    };
    return queue->run(mark_excess, stop_on_signals()) ? 0 : 1;
}

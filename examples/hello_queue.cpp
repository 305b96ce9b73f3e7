// SPDX-License-Identifier: MIT
// Prints the length of every queued packet and lets it pass, until Ctrl-C.
// The rule:  nft add rule inet filter input udp dport 7000 queue num 0
//       or:  iptables -A INPUT -p udp --dport 7000 -j NFQUEUE --queue-num 0
// Try it:    hello_queue & echo hello >/dev/udp/127.0.0.1/7000
#include <farewell/nfq/queue.hpp>
#include <farewell/stop.hpp>
#include <iostream>

using namespace farewell;

int main() {
    auto queue = nfq::Queue::open({.number = 0});
    if (!queue) {
        return std::cerr << queue.error().message() << '\n', 1;
    }
    const auto print = [](const nfq::Packet& packet) {
        std::cout << "packet " << packet.id << ": " << packet.original_length << " bytes\n" << std::flush;
        return nfq::Verdict::accept();
    };
    return queue->run(print, stop_on_signals()) ? 0 : 1;
}

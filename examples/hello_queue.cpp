// SPDX-License-Identifier: MIT
// Prints the length of every queued packet and lets it pass; until Ctrl-C. Load this rule first (as root):
//   nft add rule inet filter input udp dport 7000 queue num 0
#include <cstdio>
#include <farewell/nfq/queue.hpp>

using namespace farewell;

int main() {
    auto queue = nfq::Queue::open({.number = 0});
    if (!queue) {
        return std::fprintf(stderr, "%s\n", queue.error().message().c_str()), 1;
    }
    const auto print = [](const nfq::Packet& packet) {
        std::printf("packet %u: %zu bytes\n", packet.id, packet.original_length);
        return nfq::Verdict::accept();
    };
    return queue->run(print, std::stop_token{}) ? 0 : 1;
}

// SPDX-License-Identifier: MIT
// Replaces a word, where it first stands in a TCP or UDP payload, by another as long, and mends the checksum.
// The rule:  nft add rule inet filter input meta l4proto { tcp, udp } th dport 7000 queue num 2
//       or:  iptables -A INPUT -p udp --dport 7000 -j NFQUEUE --queue-num 2     (-p tcp and ip6tables alike)
// Try it:    payload_rewriter blue pink & nc -lu 7000 & echo blue >/dev/udp/127.0.0.1/7000
#include <algorithm>
#include <farewell/nfq/queue.hpp>
#include <farewell/stop.hpp>
#include <iostream>
#include <vector>

using namespace farewell;
using Bytes = std::span<const std::byte>;

unsigned u16(Bytes b, std::size_t at) {  // in network order; 0 where there is no more
    const auto byte = [&](std::size_t i) { return i < b.size() ? std::to_integer<unsigned>(b[i]) : 0U; };
    return byte(at) << 8U | byte(at + 1);
}

void rewrite(nfq::Batch& batch, const nfq::Packet& packet, Bytes from, Bytes to) {
    const Bytes old = packet.payload;
    const bool ipv4 = u16(old, 0) >> 12U == 4 && (u16(old, 6) & 0x3fffU) == 0;  // and no fragment
    const std::size_t ip = ipv4 ? std::max(20U, (u16(old, 0) >> 8U & 0xfU) * 4) : 40;
    const unsigned protocol = ipv4 ? u16(old, 8) & 0xffU : u16(old, 6) >> 8U;
    const std::size_t head = ip + (protocol == 17 ? 8 : std::max(20U, (u16(old, ip + 12) >> 12U) * 4));
    if ((!ipv4 && u16(old, 0) >> 12U != 6) || (protocol != 6 && protocol != 17) || old.size() < head ||
        old.size() != (ipv4 ? u16(old, 2) : 40 + u16(old, 4)) ||
        std::ranges::search(old.subspan(head), from).empty()) {
        return;  // not one whole TCP or UDP packet, or the word is not in it
    }
    std::vector<std::byte> bytes(old.begin(), old.end());
    std::ranges::copy(to, std::ranges::search(std::span(bytes).subspan(head), from).begin());
    const std::size_t field = ip + (protocol == 17 ? 6 : 16);
    std::uint64_t sum = 0xffffU - u16(old, field);
    for (std::size_t i = 0; i < old.size(); i += 2) {  // RFC 1624: the old words out, the new ones in
        sum += 0xffffU - u16(old, i) + u16(bytes, i);
    }
    const bool has_none = protocol == 17 && u16(old, field) == 0;  // a UDP sender may choose that
    const std::uint64_t checksum = has_none ? 0 : 0xffff - sum % 0xffff;
    bytes[field] = static_cast<std::byte>(checksum >> 8U);
    bytes[field + 1] = static_cast<std::byte>(checksum & 0xffU);
    static_cast<void>(batch.mangle(packet, bytes));  // as long as it came: it fits
}

int main(int count, char** arguments) {
    const auto word = [&](int i) { return std::as_bytes(std::span(std::string_view(arguments[i]))); };
    if (count != 3 || word(1).empty() || word(1).size() != word(2).size()) {
        return std::cerr << "usage: payload_rewriter WORD OTHER_WORD_OF_ITS_LENGTH\n", 2;
    }
    auto queue = nfq::Queue::open({.number = 2, .copy_range = nfq::QueueConfig::kCopyRangeMax});
    if (!queue) {
        return std::cerr << queue.error().message() << '\n', 1;
    }
    const auto rewrite_all = [&](nfq::Batch& batch) {
        batch.all(nfq::Verdict::accept());
        std::ranges::for_each(batch.packets(), [&](auto& one) { rewrite(batch, one, word(1), word(2)); });
    };
    return queue->run(rewrite_all, stop_on_signals()) ? 0 : 1;
}

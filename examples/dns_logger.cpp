// SPDX-License-Identifier: MIT
// Prints who asks for which name over UDP, seen from a log group: no packet waits, and none can be lost by
// it. The rule:  nft add rule inet filter output udp dport 53 log group 5
//       or:  iptables -A OUTPUT -p udp --dport 53 -j NFLOG --nflog-group 5     (and ip6tables)
// Try it:    dns_logger & getent hosts example.org
#include <arpa/inet.h>

#include <array>
#include <farewell/nflog/group.hpp>
#include <farewell/stop.hpp>
#include <iostream>

using namespace farewell;
using Bytes = std::span<const std::byte>;

unsigned byte(Bytes bytes, std::size_t at) {
    return at < bytes.size() ? std::to_integer<unsigned>(bytes[at]) : 0;
}

/// The first question of a query (RFC 1035, 4.1) as "name. TYPE28"; empty: it is no query, or malformed.
std::string question(Bytes query) {
    std::string name;
    std::size_t at = 12;
    for (; byte(query, at) != 0 && byte(query, at) < 64 && at < 12 + 255; at += byte(query, at) + 1) {
        for (std::size_t i = at + 1; i <= at + byte(query, at);
             ++i) {  // a stranger's bytes: harmless ones only
            const int letter = static_cast<int>(byte(query, i));
            name +=
                std::isalnum(letter) != 0 || letter == '-' || letter == '_' ? static_cast<char>(letter) : '?';
        }
        name += '.';
    }
    const bool is_query = (byte(query, 2) & 0x80U) == 0 && (byte(query, 4) | byte(query, 5)) != 0;
    if (!is_query || at + 5 > query.size() || byte(query, at) != 0) {
        return "";
    }
    return name + " TYPE" + std::to_string(byte(query, at + 1) << 8U | byte(query, at + 2));
}

void print(const nflog::Packet& packet) {
    const bool ipv6 = packet.hardware_protocol == 0x86dd;
    const std::size_t udp = ipv6 ? 40 : std::size_t{byte(packet.payload, 0) & 0xfU} * 4;
    if (byte(packet.payload, ipv6 ? 6 : 9) != IPPROTO_UDP || udp < 20 || packet.payload.size() < udp + 8) {
        return;
    }
    if (const std::string asked = question(packet.payload.subspan(udp + 8)); !asked.empty()) {
        std::array<char, INET6_ADDRSTRLEN> source{};
        inet_ntop(ipv6 ? AF_INET6 : AF_INET, &packet.payload[ipv6 ? 8 : 12], source.data(), source.size());
        std::cout << source.data() << " asks for " << asked << '\n' << std::flush;
    }
}

int main() {
    auto group = nflog::Group::open({.number = 5, .copy_range = 40 + 8 + 512});
    if (!group) {
        return std::cerr << group.error().message() << '\n', 1;
    }
    return group->run(print, stop_on_signals()) ? 0 : 1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// What generators of probes have in common: TCP SYNs in Ethernet frames, and the wire that they go out by.
// Whatever fails ends the program.
#pragma once

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace farewell::bench {

[[noreturn]] inline void give_up(const char* operation) {
    std::perror(operation);
    std::exit(1);
}

inline const char* variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) {
        std::fprintf(stderr, "%s is not set\n", name);
        std::exit(2);
    }
    return value;
}

/// Before everything else on a busy machine, so that the instrument measures the daemon and not its own turn;
/// where that is refused it goes without.
inline void go_first() {
    const sched_param priority{.sched_priority = 1};
    sched_setscheduler(0, SCHED_FIFO, &priority);
}

/// A TCP SYN of source port 40000 in an Ethernet frame, to 198.18.0.2 or 2001:db8::2.
class Frame {
 public:
    enum class Family { ipv4, ipv6 };

    explicit Frame(const char* mac, Family family = Family::ipv4)
        : addresses_(kIp + (family == Family::ipv4 ? 12 : 8)),
          tcp_(kIp + (family == Family::ipv4 ? 20 : 40)),
          family_(family) {
        std::array<unsigned, ETH_ALEN> bytes{};
        if (std::sscanf(mac, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
                        &bytes[5]) != ETH_ALEN) {
            std::fputs("SERVER_MAC is no hardware address\n", stderr);
            std::exit(2);
        }
        std::ranges::transform(bytes, bytes_.begin(),
                               [](unsigned byte) { return static_cast<std::uint8_t>(byte); });
        bytes_.at(ETH_ALEN) = 0x02;
        if (family == Family::ipv4) {
            put_16(2 * ETH_ALEN, ETH_P_IP);
            put_16(kIp, 0x4500);
            put_16(kIp + 2, 20 + kTcpBytes);
            put_16(kIp + 8, 64U << 8U | IPPROTO_TCP);
            put_32(kIp + 16, 0xc6120002);
        } else {
            put_16(2 * ETH_ALEN, ETH_P_IPV6);
            put_16(kIp, 0x6000);
            put_16(kIp + 4, kTcpBytes);
            put_16(kIp + 6, IPPROTO_TCP << 8U | 64U);
            put_32(kIp + 8, 0x20010db8);
            put_32(kIp + 24, 0x20010db8);
            put_32(kIp + 36, 2);
        }
        put_16(tcp_, 40'000);
        put_32(tcp_ + 4, 1);
        put_16(tcp_ + 12, 5U << 12U | 2);  // 20 bytes of header, SYN
        put_16(tcp_ + 14, 1024);
    }

    /// `source` is the whole address, of IPv6 its last 32 bits behind 2001:db8::.
    void set(std::uint32_t source, std::uint16_t port) {
        put_32(family_ == Family::ipv4 ? addresses_ : addresses_ + 12, source);
        if (family_ == Family::ipv4) {
            put_16(kIp + 10, 0);
            put_16(kIp + 10, checksum(kIp, tcp_, 0));
        }
        put_16(tcp_ + 2, port);
        put_16(tcp_ + 16, 0);
        // The pseudo header is the two addresses, the protocol and the length.
        put_16(tcp_ + 16, checksum(addresses_, tcp_ + kTcpBytes, IPPROTO_TCP + kTcpBytes));
    }

    [[nodiscard]] std::span<const std::uint8_t> bytes() const {
        return std::span(bytes_).first(tcp_ + kTcpBytes);
    }

 private:
    static constexpr std::size_t kIp = ETH_HLEN;
    static constexpr std::size_t kTcpBytes = 20;

    void put_16(std::size_t at, std::uint32_t value) {
        bytes_.at(at) = static_cast<std::uint8_t>(value >> 8U);
        bytes_.at(at + 1) = static_cast<std::uint8_t>(value);
    }
    void put_32(std::size_t at, std::uint32_t value) {
        put_16(at, value >> 16U);
        put_16(at + 2, value);
    }
    [[nodiscard]] std::uint32_t checksum(std::size_t at, std::size_t end, std::uint32_t sum) const {
        for (; at < end; at += 2) {
            sum += static_cast<std::uint32_t>(bytes_.at(at) << 8U) | bytes_.at(at + 1);
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffffU) + (sum >> 16U);
        }
        return ~sum & 0xffffU;
    }

    std::array<std::uint8_t, kIp + 40 + kTcpBytes> bytes_{};
    std::size_t addresses_;
    std::size_t tcp_;
    Family family_;
};

/// A socket that sends frames by eth0.
inline int open_wire() {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_IP);
    address.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        give_up("open the wire");
    }
    return fd;
}

}  // namespace farewell::bench

// SPDX-License-Identifier: GPL-2.0-or-later
// flood PACKETS RATE: so many UDP packets to port 7000 of the loopback device, at so many a second; rate 0 is
// as fast as it goes. Prints how long it took.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

int main(int argc, char** argv) {
    if (argc != 3) {
        return std::fputs("usage: flood PACKETS RATE\n", stderr), 2;
    }
    using Clock = std::chrono::steady_clock;
    const long packets = std::atol(argv[1]);
    const double rate = std::atof(argv[2]);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(7000);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return std::perror("connect"), 1;
    }
    constexpr std::size_t kBurst = 32;
    std::array<char, 32> payload{};
    iovec vector{.iov_base = payload.data(), .iov_len = payload.size()};
    std::array<mmsghdr, kBurst> headers{};
    for (mmsghdr& header : headers) {
        header.msg_hdr.msg_iov = &vector;
        header.msg_hdr.msg_iovlen = 1;
    }
    const auto begin = Clock::now();
    long sent = 0;
    while (sent < packets) {
        // At a low rate one by one: a trickle.
        const std::size_t burst = rate > 0 && rate < 20'000 ? 1 : kBurst;
        const auto many = static_cast<unsigned>(std::min<long>(packets - sent, static_cast<long>(burst)));
        const int count = sendmmsg(fd, headers.data(), many, 0);
        sent += std::max(count, 0);
        if (rate > 0) {
            std::this_thread::sleep_until(
                begin + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(static_cast<double>(sent) / rate)));
        }
    }
    std::printf("%.6f\n", std::chrono::duration<double>(Clock::now() - begin).count());
    return 0;
}

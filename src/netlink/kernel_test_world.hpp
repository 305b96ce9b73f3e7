// SPDX-License-Identifier: MIT
// What the kernel tests of queues and log groups share: a network namespace of the test's own with a loopback
// device and a rule for UDP. For tests; needs root.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace farewell {

constexpr std::uint16_t kPort = 7000;

inline void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT: a test's set-up
}

/// A UDP socket of the loopback device that sends to itself.
class Loop {
 public:
    Loop() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_port = htons(kPort);
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int large = 8 << 20;
        setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
        EXPECT_EQ(bind(fd_, generic(), sizeof address_), 0);
    }
    ~Loop() { close(fd_); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void send(std::size_t size = 8, int times = 1) {
        const std::string payload(size, 'x');
        for (int i = 0; i < times; ++i) {
            send_text(payload);
        }
    }
    void send_text(std::string_view text) {
        ASSERT_EQ(sendto(fd_, text.data(), text.size(), 0, generic(), sizeof address_),
                  static_cast<ssize_t>(text.size()));
    }
    /// From 127.0.0.`host` instead, which is this device's too.
    void send_from(std::uint8_t host) const {
        const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in source{};
        source.sin_family = AF_INET;
        source.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xffffff00U) | host);
        const auto* const from = reinterpret_cast<const sockaddr*>(&source);  // NOLINT: the socket API
        EXPECT_EQ(bind(fd, from, sizeof source), 0);
        EXPECT_EQ(sendto(fd, "x", 1, 0, generic(), sizeof address_), 1);
        close(fd);
    }
    [[nodiscard]] int received() const { return static_cast<int>(texts().size()); }
    /// What has come since it was last asked.
    [[nodiscard]] std::vector<std::string> texts() const {
        std::vector<std::string> texts;
        std::array<char, 256> buffer{};  // a longer one is cut
        while (true) {
            const ssize_t length = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (length < 0) {
                return texts;
            }
            texts.emplace_back(buffer.data(), static_cast<std::size_t>(length));
        }
    }

 private:
    [[nodiscard]] const sockaddr* generic() const {
        return reinterpret_cast<const sockaddr*>(&address_);  // NOLINT: the socket API
    }
    int fd_;
    sockaddr_in address_{};
};

class KernelTest : public testing::Test {
 protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root";
        }
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);  // every test is a process of its own under ctest
        bring_up_loopback();
    }

    static void rule(const std::string& target, const std::string& chain = "INPUT") {
        shell("iptables-nft -w -A " + chain + " -p udp --dport " + std::to_string(kPort) + " -j " + target);
    }

 private:
    static void bring_up_loopback() {
        const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ifreq request{};
        std::strncpy(static_cast<char*>(request.ifr_name), "lo", IFNAMSIZ - 1);
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        ASSERT_EQ(ioctl(fd, SIOCSIFFLAGS, &request), 0);
        close(fd);
    }
};

}  // namespace farewell

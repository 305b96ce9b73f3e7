// SPDX-License-Identifier: GPL-2.0-or-later
// For tests: the other end of LocalDatagrams, in the abstract namespace of unix(7), which leaves no file
// behind.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace farewell::service {

class TestListener {
 public:
    TestListener() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        static int count = 0;
        address_ = "@farewell-test-" + std::to_string(getpid()) + "-" + std::to_string(++count);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        address_.copy(static_cast<char*>(address.sun_path), address_.size());
        address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
        if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0) {  // NOLINT
            throw std::runtime_error("bind the listener of a test");
        }
    }
    TestListener(const TestListener&) = delete;
    TestListener& operator=(const TestListener&) = delete;
    ~TestListener() { close(fd_); }

    [[nodiscard]] const std::string& address() const { return address_; }
    /// One datagram that has been sent already; empty if none has.
    [[nodiscard]] std::string receive() const {
        std::array<char, 65536> room{};
        const ssize_t length = recv(fd_, room.data(), room.size(), 0);
        return {room.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
    }

 private:
    int fd_;
    std::string address_;
};

}  // namespace farewell::service

// SPDX-License-Identifier: GPL-2.0-or-later
// Datagrams to a Unix socket that others listen at: the service manager's, the journal's. Both protocols are
// documented and small, which makes libsystemd one thing less that has to be there.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <expected>
#include <string_view>

namespace farewell::service {

class LocalDatagrams {
 public:
    /// `address` as a path, or '@' and a name of the abstract namespace (unix(7)). The error is an errno.
    [[nodiscard]] static std::expected<LocalDatagrams, int> open(std::string_view address);
    LocalDatagrams(LocalDatagrams&& other) noexcept;
    LocalDatagrams(const LocalDatagrams&) = delete;
    LocalDatagrams& operator=(const LocalDatagrams&) = delete;
    LocalDatagrams& operator=(LocalDatagrams&&) = delete;
    ~LocalDatagrams();

    /// Whole, or not at all. Looks the address up anew, so a listener may come back. Waits for room 50 ms at
    /// most, with `patient`; otherwise not at all. 0 or errno. Any thread.
    [[nodiscard]] int send(std::string_view datagram, bool patient) const;

 private:
    LocalDatagrams(int fd, const sockaddr_un& address, socklen_t size)
        : fd_(fd), address_(address), address_size_(size) {}

    int fd_;
    sockaddr_un address_;
    socklen_t address_size_;
};

}  // namespace farewell::service

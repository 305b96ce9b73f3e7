// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/local_datagrams.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace farewell::service {
namespace {

constexpr suseconds_t kPatienceMicroseconds = 50'000;

}  // namespace

std::expected<LocalDatagrams, int> LocalDatagrams::open(std::string_view address) {
    sockaddr_un unix_address{};
    if (address.empty() || (address.front() != '/' && address.front() != '@')) {
        return std::unexpected(EINVAL);
    }
    if (address.size() >= sizeof unix_address.sun_path) {
        return std::unexpected(ENAMETOOLONG);
    }
    unix_address.sun_family = AF_UNIX;
    address.copy(static_cast<char*>(unix_address.sun_path), address.size());
    const bool is_abstract = address.front() == '@';
    if (is_abstract) {
        unix_address.sun_path[0] = '\0';
    }
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return std::unexpected(errno);
    }
    const timeval patience{.tv_sec = 0, .tv_usec = kPatienceMicroseconds};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
        const int reason = errno;
        close(fd);
        return std::unexpected(reason);
    }
    // A path ends with a zero byte, an abstract name is as long as it is.
    const auto size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() + (is_abstract ? 0 : 1));
    return LocalDatagrams(fd, unix_address, size);
}

LocalDatagrams::LocalDatagrams(LocalDatagrams&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(other.address_), address_size_(other.address_size_) {}

LocalDatagrams::~LocalDatagrams() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

int LocalDatagrams::send(std::string_view datagram, bool patient) const {
    // The socket API takes its addresses by this cast.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address_);  // NOLINT
    const int flags = MSG_NOSIGNAL | (patient ? 0 : MSG_DONTWAIT);
    return sendto(fd_, datagram.data(), datagram.size(), flags, generic, address_size_) < 0 ? errno : 0;
}

}  // namespace farewell::service

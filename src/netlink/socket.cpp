// SPDX-License-Identifier: MIT
#include "netlink/socket.hpp"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <thread>
#include <utility>
#include <vector>

#include "netlink/network_namespace.hpp"

namespace farewell::netlink {
namespace {

class UniqueFd {
 public:
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&&) = delete;
    ~UniqueFd() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    [[nodiscard]] int get() const { return fd_; }

 private:
    int fd_;
};

constexpr std::size_t kPartsMax = 256;  // a batch has 64 packets, each at most a head and a payload

class Socket final : public Channel {
 public:
    Socket(UniqueFd fd, std::uint32_t portid, std::size_t granted, const SocketConfig& config)
        : fd_(std::move(fd)),
          portid_(portid),
          granted_(granted),
          ring_(config.slots * config.slot_bytes),
          vectors_(config.slots),
          headers_(config.slots),
          datagrams_(config.slots) {
        for (std::size_t i = 0; i < config.slots; ++i) {
            vectors_[i] = {.iov_base = ring_.data() + i * config.slot_bytes, .iov_len = config.slot_bytes};
            headers_[i].msg_hdr.msg_iov = &vectors_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    std::expected<std::span<const Datagram>, int> receive_now() override {
        return receive_with(MSG_DONTWAIT);
    }
    std::expected<std::span<const Datagram>, int> receive() override { return receive_with(MSG_WAITFORONE); }

    std::expected<bool, int> wait(std::chrono::milliseconds timeout) override {
        pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        const auto limit = std::clamp<std::chrono::milliseconds::rep>(timeout.count(), -1, INT_MAX);
        const int ready = poll(&waiting, 1, static_cast<int>(limit));
        if (ready < 0 && errno != EINTR) {
            return std::unexpected(errno);
        }
        return ready > 0;
    }

    void pause(std::chrono::microseconds duration) override { std::this_thread::sleep_for(duration); }

    int send(std::span<const std::span<const std::byte>> parts) override {
        std::array<iovec, kPartsMax> vectors;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
        if (parts.size() > vectors.size()) {
            return EMSGSIZE;
        }
        for (std::size_t i = 0; i < parts.size(); ++i) {
            // sendmsg(2) reads them only.
            vectors[i] = {.iov_base = const_cast<std::byte*>(parts[i].data()),  // NOLINT
                          .iov_len = parts[i].size()};
        }
        msghdr message{};
        message.msg_iov = vectors.data();
        message.msg_iovlen = parts.size();
        ssize_t sent = -1;
        do {
            sent = sendmsg(fd_.get(), &message, 0);
        } while (sent < 0 && errno == EINTR);
        return sent < 0 ? errno : 0;
    }

    [[nodiscard]] int fd() const override { return fd_.get(); }
    [[nodiscard]] std::uint32_t portid() const override { return portid_; }
    [[nodiscard]] std::size_t receive_buffer_bytes() const override { return granted_; }

 private:
    std::expected<std::span<const Datagram>, int> receive_with(int flags) {
        // One datagram is one message of the queue, always: only recvmmsg takes several (measured).
        const int count =
            recvmmsg(fd_.get(), headers_.data(), static_cast<unsigned>(headers_.size()), flags, nullptr);
        if (count < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                return std::span<const Datagram>();
            }
            return std::unexpected(errno);
        }
        const auto received = static_cast<std::size_t>(count);
        for (std::size_t i = 0; i < received; ++i) {
            const mmsghdr& header = headers_[i];
            datagrams_[i] = {
                .bytes = {static_cast<const std::byte*>(vectors_[i].iov_base), header.msg_len},
                .truncated = (static_cast<unsigned>(header.msg_hdr.msg_flags) & unsigned{MSG_TRUNC}) != 0,
            };
        }
        return std::span<const Datagram>(datagrams_).first(received);
    }

    UniqueFd fd_;
    std::uint32_t portid_;
    std::size_t granted_;
    std::vector<std::byte> ring_;
    std::vector<iovec> vectors_;
    std::vector<mmsghdr> headers_;
    std::vector<Datagram> datagrams_;
};

int protocol_of(Subsystem subsystem) {
    switch (subsystem) {
        case Subsystem::netfilter:
            break;
        case Subsystem::route:
            return NETLINK_ROUTE;
        case Subsystem::sock_diag:
            return NETLINK_SOCK_DIAG;
    }
    return NETLINK_NETFILTER;
}

std::string name_of(Subsystem subsystem) {
    switch (subsystem) {
        case Subsystem::netfilter:
            break;
        case Subsystem::route:
            return "a route netlink socket";
        case Subsystem::sock_diag:
            return "a socket diagnosis netlink socket";
    }
    return "a netfilter netlink socket";
}

std::size_t set_receive_buffer(int fd, std::size_t bytes) {
    if (bytes > 0) {
        // The kernel doubles what it is told, for its own bookkeeping, and reports the double.
        const int half = static_cast<int>(std::min<std::size_t>(bytes / 2 + 1, INT_MAX / 2));
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof half) != 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof half);
        }
    }
    int granted = 0;
    socklen_t size = sizeof granted;
    return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size) == 0 ? static_cast<std::size_t>(granted)
                                                                       : 0;
}

}  // namespace

std::expected<std::unique_ptr<Channel>, SocketError> open_socket(const SocketConfig& config) {
    int opened = -1;
    int reason = 0;
    const int entered = in_network_namespace(config.netns_fd, [&] {
        opened = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol_of(config.subsystem));
        reason = errno;  // errno is a thread's own
    });
    if (entered != 0) {
        return std::unexpected(
            SocketError{.operation = "enter another network namespace", .errno_number = entered});
    }
    UniqueFd fd(opened);
    errno = reason;
    if (fd.get() < 0) {
        return std::unexpected(
            SocketError{.operation = "open " + name_of(config.subsystem), .errno_number = errno});
    }
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = config.groups;
    socklen_t size = sizeof address;
    // The socket API takes its addresses by this cast.
    auto* generic = reinterpret_cast<sockaddr*>(&address);  // NOLINT
    if (bind(fd.get(), generic, sizeof address) != 0 || getsockname(fd.get(), generic, &size) != 0) {
        return std::unexpected(
            SocketError{.operation = "bind " + name_of(config.subsystem), .errno_number = errno});
    }
    // Packets lost are counted by id gaps; an error for each would only cost system calls. Acknowledgements
    // need not repeat what they acknowledge.
    const int on = 1;
    if (!config.report_overruns) {
        setsockopt(fd.get(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
    }
    setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    const std::size_t granted = set_receive_buffer(fd.get(), config.receive_buffer_bytes);
    return std::make_unique<Socket>(std::move(fd), address.nl_pid, granted, config);
}

}  // namespace farewell::netlink

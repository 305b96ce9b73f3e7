// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/change_watch.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

#include "nft/owned.hpp"

namespace farewell::nft {
namespace {

constexpr std::size_t kReceiveBytes = std::size_t{64} << 10U;
constexpr int kReceiveBuffer = 8 << 20;  // a flush of a hundred thousand elements tells of each

/// Keeps out what was asked for by the socket of this port: nlmsg_pid, at offset 12, says who.
int keep_out(int fd, std::uint32_t port) {
    constexpr std::uint32_t kPortOffset = offsetof(nlmsghdr, nlmsg_pid);
    // The program loads words in network order.
    std::array<sock_filter, 4> program{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kPortOffset),
                                       sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
                                       sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
                                       sock_filter BPF_STMT(BPF_RET | BPF_K, 0xffffffffU)};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
}

/// As the kernel tells others of this process; its threads have it from the first.
std::string own_program() {
    std::array<char, 16> name{};
    prctl(PR_GET_NAME, name.data());
    return name.data();
}

}  // namespace

struct ChangeWatch::State {
    State(Owned<mnl_socket> opened, std::string table)
        : socket(std::move(opened)), reader(std::move(table)) {}

    /// False: errno says why it is not so.
    [[nodiscard]] bool listen(bool on) const {
        int group = NFNLGRP_NFTABLES;
        const int option = on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;
        return mnl_socket_setsockopt(socket.get(), option, &group, sizeof group) == 0;
    }

    Owned<mnl_socket> socket;
    ChangeReader reader;
    std::string own_name = own_program();
    std::vector<char> buffer = std::vector<char>(kReceiveBytes);
    std::atomic<bool> has_missed{false};
};

ChangeWatch::ChangeWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChangeWatch::~ChangeWatch() = default;
ChangeWatch::ChangeWatch(ChangeWatch&&) noexcept = default;
ChangeWatch& ChangeWatch::operator=(ChangeWatch&&) noexcept = default;

std::expected<ChangeWatch, int> ChangeWatch::open(std::string table, std::uint32_t own_port) {
    Owned<mnl_socket> socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
        return std::unexpected(errno);
    }
    const int fd = mnl_socket_get_fd(socket.get());
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    if (const int reason = keep_out(fd, own_port); reason != 0) {
        return std::unexpected(reason);
    }
    auto state = std::make_unique<State>(std::move(socket), std::move(table));
    if (mnl_socket_bind(state->socket.get(), 0, MNL_SOCKET_AUTOPID) < 0 || !state->listen(true)) {
        return std::unexpected(errno);
    }
    return ChangeWatch(std::move(state));
}

void ChangeWatch::close_ears() {
    static_cast<void>(state_->listen(false));  // who hears on has lost nothing
}

std::expected<void, int> ChangeWatch::open_ears() {
    if (!state_->listen(true)) {
        return std::unexpected(errno);
    }
    return {};
}

void ChangeWatch::on_missed() {
    state_->has_missed = true;
    // To itself, so that fd() becomes readable. No room for it means that there is something to read anyway.
    nlmsghdr wake{};
    wake.nlmsg_len = sizeof wake;
    wake.nlmsg_type = NLMSG_OVERRUN;
    sockaddr_nl self{};
    self.nl_family = AF_NETLINK;
    self.nl_pid = mnl_socket_get_portid(state_->socket.get());
    const auto* const generic = reinterpret_cast<const sockaddr*>(&self);  // NOLINT: the socket API
    sendto(fd(), &wake, sizeof wake, 0, generic, sizeof self);
}

int ChangeWatch::fd() const {
    return mnl_socket_get_fd(state_->socket.get());
}

std::optional<Change> ChangeWatch::read() {
    std::optional<Change> last;
    if (state_->has_missed.exchange(false)) {
        last.emplace();
    }
    while (true) {
        const ssize_t received =
            mnl_socket_recvfrom(state_->socket.get(), state_->buffer.data(), state_->buffer.size());
        if (received < 0 && errno == EINTR) {
            continue;
        }
        if (received < 0 && (errno == ENOBUFS || errno == ENOSPC)) {
            // Some were lost, and nobody knows which; the end of the transaction may be among them.
            state_->reader.on_loss();
            if (!last) {
                last.emplace();
            }
            continue;
        }
        if (received <= 0) {
            return last;
        }
        int left = static_cast<int>(received);
        const auto* message = reinterpret_cast<const nlmsghdr*>(state_->buffer.data());  // NOLINT: libmnl
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            if (auto change = state_->reader.on_message(*message)) {
                change->is_own = change->program == state_->own_name;
                if (!last || !change->is_own) {
                    last = std::move(change);
                }
            }
        }
    }
}

}  // namespace farewell::nft

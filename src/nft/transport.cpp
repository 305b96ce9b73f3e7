// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/transport.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "nft/owned.hpp"
#include "nft/ruleset.hpp"

namespace farewell::nft {
namespace {

constexpr timeval kAnswerLimit{.tv_sec = 2, .tv_usec = 0};
constexpr std::size_t kReceiveBytes = std::size_t{64} << 10;  // a dump comes in datagrams of at most 32 KiB
constexpr int kReceiveBuffer = 4 << 20;  // for the many errors that a large refused batch gives

/// errno of an NLMSG_ERROR (0: an acknowledgement).
int errno_of(const nlmsghdr* message) {
    if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) {
        return EBADMSG;
    }
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
    return -error->error;
}

class MnlTransport final : public Transport {
 public:
    explicit MnlTransport(Owned<mnl_socket> socket) : socket_(std::move(socket)), buffer_(kReceiveBytes) {}

    int commit(std::span<const std::byte> batch, std::uint32_t first_sequence,
               std::uint32_t last_sequence) override {
        if (const int reason = send(batch); reason != 0) {
            return reason;
        }
        // Errors are delivered in the order of the messages, before the acknowledgement of the last one;
        // those of the transaction as a whole carry the number of its first (nfnetlink_rcv_batch).
        return receive([&](const nlmsghdr* message) -> Answer {
            if (message->nlmsg_type != NLMSG_ERROR ||
                message->nlmsg_seq - first_sequence > last_sequence - first_sequence) {
                return {.done = false, .reason = 0};
            }
            const int reason = errno_of(message);
            return {.done = reason != 0 || message->nlmsg_seq == last_sequence, .reason = reason};
        });
    }

    int query(std::span<const std::byte> request, std::uint32_t sequence,
              const std::function<void(const nlmsghdr&)>& on_message) override {
        if (const int reason = send(request); reason != 0) {
            return reason;
        }
        bool interrupted = false;
        const int reason = receive([&](const nlmsghdr* message) -> Answer {
            if (message->nlmsg_seq != sequence) {
                return {.done = false, .reason = 0};
            }
            interrupted = interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
            if (message->nlmsg_type == NLMSG_ERROR) {
                return {.done = true, .reason = errno_of(message)};
            }
            if (message->nlmsg_type == NLMSG_DONE) {
                return {.done = true, .reason = 0};
            }
            on_message(*message);
            return {.done = (message->nlmsg_flags & NLM_F_MULTI) == 0, .reason = 0};
        });
        return reason == 0 && interrupted ? EINTR : reason;
    }

    std::expected<void, std::string> run(const std::string& text) override { return run_text(text); }

    [[nodiscard]] std::uint32_t port() const override { return mnl_socket_get_portid(socket_.get()); }

 private:
    struct Answer {
        bool done;
        int reason;
    };

    int send(std::span<const std::byte> bytes) {
        const int fd = mnl_socket_get_fd(socket_.get());
        if (bytes.size() > send_buffer_) {
            // The kernel doubles it and wants some for itself; one that is too small is EMSGSIZE, not a wait.
            const int wanted = static_cast<int>(bytes.size() + (std::size_t{64} << 10));
            setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted);
            send_buffer_ = bytes.size();
        }
        return mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) < 0 ? errno : 0;
    }

    template <typename OnMessage>
    int receive(OnMessage on_message) {
        while (true) {
            const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
            if (received < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return errno == EAGAIN ? ETIMEDOUT : errno;
            }
            int left = static_cast<int>(received);
            const auto* message =
                reinterpret_cast<const nlmsghdr*>(buffer_.data());  // NOLINT: libmnl's interface
            while (mnl_nlmsg_ok(message, left)) {
                if (const Answer answer = on_message(message); answer.done) {
                    return answer.reason;
                }
                message = mnl_nlmsg_next(message, &left);
            }
        }
    }

    Owned<mnl_socket> socket_;
    std::vector<char> buffer_;
    std::size_t send_buffer_ = std::size_t{64} << 10;
};

}  // namespace

std::expected<std::unique_ptr<Transport>, int> open_transport() {
    Owned<mnl_socket> socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
        return std::unexpected(errno);
    }
    const int fd = mnl_socket_get_fd(socket.get());
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    return std::make_unique<MnlTransport>(std::move(socket));
}

}  // namespace farewell::nft

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/control_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "report/control_protocol.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using report::ExitStatus;
namespace error = report::control::error;

constexpr timeval kAnswerLimit{.tv_sec = 30, .tv_usec = 0};

/// A connected socket that closes itself.
class Connection {
 public:
    Connection() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    ~Connection() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// 0 or errno.
    [[nodiscard]] int connect_to(const std::string& path) const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) {
            return ENAMETOOLONG;
        }
        path.copy(static_cast<char*>(address.sun_path), path.size());
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
        // The socket API takes its addresses by this cast.
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT
        return fd_ >= 0 && connect(fd_, generic, sizeof address) == 0 ? 0 : errno;
    }

    [[nodiscard]] bool send_all(std::string_view bytes) const {
        while (fd_ >= 0 && !bytes.empty()) {
            const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return bytes.empty();
    }

    /// Everything up to the end of the frame; empty if the other side went away or took too long.
    [[nodiscard]] std::string receive_frame() const {
        std::string frame;
        std::array<char, 65536> part{};
        while (true) {
            const ssize_t received = recv(fd_, part.data(), part.size(), 0);
            if (received <= 0) {
                return {};
            }
            frame.append(part.data(), static_cast<std::size_t>(received));
            if (frame.back() == report::control::kFrameEnd) {
                frame.pop_back();
                return frame;
            }
        }
    }

 private:
    int fd_;
};

CallFailure unreachable(const std::string& path, int reason) {
    if (reason == EACCES || reason == EPERM) {
        return {.status = ExitStatus::no_permission,
                .error = {},
                .message =
                    fmt::format("no permission to use {}: be root or a member of the socket's group", path),
                .details = {}};
    }
    return {.status = ExitStatus::unreachable,
            .error = {},
            .message = fmt::format("farewelld does not answer at {}: {}; is it running?", path,
                                   std::error_code(reason, std::generic_category()).message()),
            .details = {}};
}

ExitStatus status_for(std::string_view name) {
    if (name == error::kNotBanned) {
        return ExitStatus::not_there;
    }
    if (name == error::kInvalidParameter) {
        return ExitStatus::usage;
    }
    if (name == error::kInvalidConfiguration) {
        return ExitStatus::configuration;
    }
    return ExitStatus::failure;
}

CallFailure failure_from(const json& answer) {
    const json parameters = answer.value("parameters", json::object());
    CallFailure failure;
    failure.error = answer.value("error", "");
    failure.status = status_for(failure.error);
    failure.message = parameters.value("message", failure.error);
    failure.details = parameters.value("errors", std::vector<std::string>{});
    return failure;
}

}  // namespace

std::expected<json, CallFailure> ControlClient::call(std::string_view method, const json& parameters) const {
    const Connection connection;
    if (const int reason = connection.connect_to(path_); reason != 0) {
        return std::unexpected(unreachable(path_, reason));
    }
    const json request{{"method", method}, {"parameters", parameters}};
    std::string frame = request.dump(-1, ' ', false, json::error_handler_t::replace);
    frame += report::control::kFrameEnd;
    if (!connection.send_all(frame)) {
        return std::unexpected(unreachable(path_, errno));
    }
    const json answer = json::parse(connection.receive_frame(), nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object()) {
        return std::unexpected(unreachable(path_, ETIMEDOUT));
    }
    if (answer.contains("error")) {
        return std::unexpected(failure_from(answer));
    }
    return answer.value("parameters", json::object());
}

}  // namespace farewell::cli

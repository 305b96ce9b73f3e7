// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/control_client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "report/control_protocol.hpp"
#include "report/errno_text.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using report::ExitStatus;
namespace error = report::control::error;

constexpr timeval kAnswerLimit{.tv_sec = 30, .tv_usec = 0};

/// A connected socket; -1 and errno.
int connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    path.copy(static_cast<char*>(address.sun_path), path.size());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
    // The socket API takes its addresses by this cast.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT
    if (connect(fd, generic, sizeof address) != 0) {
        const int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

/// 0 or errno.
int send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return errno;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return 0;
}

/// The signals that end a program, to be waited for instead; back to normal when it goes.
class EndSignals {
 public:
    EndSignals() {
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, &before_);
        fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    ~EndSignals() {
        // A signal that has been heeded must not come again when it is let through.
        for (signalfd_siginfo heeded{}; read(fd_, &heeded, sizeof heeded) > 0;) {
        }
        close(fd_);
        sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

 private:
    int fd_ = -1;
    sigset_t before_{};
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
                                   report::errno_text(reason)),
            .details = {}};
}

/// It was there, and answers no longer.
CallFailure gone(const std::string& path) {
    return {.status = ExitStatus::unreachable,
            .error = {},
            .message = fmt::format("farewelld at {} has closed the connection: it has stopped", path),
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

ControlStream::ControlStream(ControlStream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      received_(std::move(other.received_)),
      failure_(std::move(other.failure_)) {}

ControlStream& ControlStream::operator=(ControlStream&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    std::swap(received_, other.received_);
    std::swap(failure_, other.failure_);
    return *this;
}

ControlStream::~ControlStream() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

std::expected<ControlStream::Taken, CallFailure> ControlStream::take() {
    if (failure_) {
        return std::unexpected(*failure_);
    }
    std::array<char, 65536> part{};
    const ssize_t length = recv(fd_, part.data(), part.size(), MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return Taken{};
    }
    if (length <= 0) {
        return std::unexpected(gone(path_));
    }
    const std::size_t searched = received_.size();  // a large answer comes in many parts
    received_.append(part.data(), static_cast<std::size_t>(length));
    Taken taken;
    std::size_t begin = 0;
    for (std::size_t end = 0;
         (end = received_.find(report::control::kFrameEnd, std::max(begin, searched))) != std::string::npos;
         begin = end + 1) {
        const json answer = json::parse(received_.begin() + static_cast<std::ptrdiff_t>(begin),
                                        received_.begin() + static_cast<std::ptrdiff_t>(end), nullptr,
                                        /*allow_exceptions=*/false);
        if (!answer.is_object() || answer.contains("error")) {
            failure_ = answer.is_object() ? failure_from(answer) : unreachable(path_, EPROTO);
            break;
        }
        taken.answers.push_back(answer.value("parameters", json::object()));
        taken.is_last = !answer.value("continues", false);
    }
    received_.erase(0, begin);
    if (failure_ && taken.answers.empty()) {
        return std::unexpected(*failure_);
    }
    return taken;
}

std::expected<ControlStream, CallFailure> ControlClient::open(std::string_view method, const json& parameters,
                                                              bool more) const {
    ControlStream stream(connect_to(path_), path_);
    if (stream.fd() < 0) {
        return std::unexpected(unreachable(path_, errno));
    }
    json request{{"method", method}, {"parameters", parameters}};
    if (more) {
        request["more"] = true;
    }
    std::string frame = request.dump(-1, ' ', false, json::error_handler_t::replace);
    frame += report::control::kFrameEnd;
    if (const int reason = send_all(stream.fd(), frame); reason != 0) {
        return std::unexpected(unreachable(path_, reason));
    }
    return stream;
}

std::expected<json, CallFailure> ControlClient::call(std::string_view method, const json& parameters) const {
    auto stream = open(method, parameters, false);
    if (!stream) {
        return std::unexpected(stream.error());
    }
    while (true) {
        pollfd readable{.fd = stream->fd(), .events = POLLIN, .revents = 0};
        if (poll(&readable, 1, kAnswerLimit.tv_sec * 1000) <= 0) {
            return std::unexpected(unreachable(path_, ETIMEDOUT));
        }
        auto taken = stream->take();
        if (!taken) {
            return std::unexpected(taken.error());
        }
        if (!taken->answers.empty()) {
            return std::move(taken->answers.front());
        }
    }
}

std::expected<void, CallFailure> ControlClient::follow(
    std::string_view method, const json& parameters,
    const std::function<void(const json&)>& on_answer) const {
    const EndSignals ends;
    auto stream = open(method, parameters, true);
    if (!stream) {
        return std::unexpected(stream.error());
    }
    while (true) {
        std::array<pollfd, 2> ready{{{.fd = stream->fd(), .events = POLLIN, .revents = 0},
                                     {.fd = ends.fd(), .events = POLLIN, .revents = 0}}};
        poll(ready.data(), ready.size(), -1);
        if (ready[1].revents != 0) {
            return {};
        }
        const auto taken = stream->take();
        if (!taken) {
            return std::unexpected(taken.error());
        }
        for (const json& answer : taken->answers) {
            on_answer(answer);
        }
        if (taken->is_last) {
            return {};
        }
    }
}

}  // namespace farewell::cli

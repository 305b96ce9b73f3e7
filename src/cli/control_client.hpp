// SPDX-License-Identifier: GPL-2.0-or-later
// Calls over the control socket: connect, ask, wait for the answer, or for one answer after the other. The
// CLI has one thread.
#pragma once

#include <expected>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/exit_status.hpp"

namespace farewell::cli {

/// What went wrong, for people, and the exit status it stands for.
struct CallFailure {
    report::ExitStatus status = report::ExitStatus::failure;
    std::string error;  // the daemon's name of it, "io.farewell.NotBanned"; empty if it never answered
    std::string message;
    std::vector<std::string> details;
};

/// One call whose answers are taken as they come. Closes the connection when it goes.
class ControlStream {
 public:
    ControlStream(ControlStream&& other) noexcept;
    ControlStream& operator=(ControlStream&& other) noexcept;
    ~ControlStream();

    /// Readable when there is something to take.
    [[nodiscard]] int fd() const { return fd_; }

    struct Taken {
        std::vector<nlohmann::json> answers;  ///< their parameters
        bool is_last = false;                 ///< no more will come
    };
    /// What has come since the last time; waits for nothing. The error is the daemon's, or that it has gone.
    [[nodiscard]] std::expected<Taken, CallFailure> take();

 private:
    friend class ControlClient;
    ControlStream(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

    int fd_;
    std::string path_;
    std::string received_;
    std::optional<CallFailure> failure_;  // came behind answers that were taken first
};

class ControlClient {
 public:
    explicit ControlClient(std::string socket_path) : path_(std::move(socket_path)) {}

    /// The answer's parameters. Waits at most 30 s.
    [[nodiscard]] std::expected<nlohmann::json, CallFailure> call(std::string_view method,
                                                                  const nlohmann::json& parameters) const;
    /// Asks, and waits for nothing. `more`: for as many answers as there are.
    [[nodiscard]] std::expected<ControlStream, CallFailure> open(std::string_view method,
                                                                 const nlohmann::json& parameters,
                                                                 bool more) const;
    /// Has `on_answer` handle each answer's parameters as they come, until the daemon says the last one, or
    /// Ctrl-C or SIGTERM ends it: that is no failure.
    [[nodiscard]] std::expected<void, CallFailure> follow(
        std::string_view method, const nlohmann::json& parameters,
        const std::function<void(const nlohmann::json&)>& on_answer) const;

 private:
    std::string path_;
};

}  // namespace farewell::cli

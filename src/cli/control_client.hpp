// SPDX-License-Identifier: GPL-2.0-or-later
// One call over the control socket: connect, ask, wait for the answer. Blocking; the CLI has one thread.
#pragma once

#include <expected>
#include <nlohmann/json_fwd.hpp>
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

class ControlClient {
 public:
    explicit ControlClient(std::string socket_path) : path_(std::move(socket_path)) {}

    /// The answer's parameters. Waits at most 30 s.
    [[nodiscard]] std::expected<nlohmann::json, CallFailure> call(std::string_view method,
                                                                  const nlohmann::json& parameters) const;

 private:
    std::string path_;
};

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/sandbox.hpp"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "daemon/file_fence.hpp"
#include "daemon/syscall_filter.hpp"

namespace farewell::daemon {

std::expected<void, StartFailure> enter_sandbox(const config::Config& config) {
    if (config.sandbox == config::Sandbox::off) {
        spdlog::warn("process.sandbox is off");
        return {};
    }
    std::vector<std::filesystem::path> writable{config.state_directory, config.control_socket.parent_path()};
    if (const auto metrics = config.metrics_textfile.parent_path(); !metrics.empty()) {
        std::error_code ignored;
        if (std::filesystem::is_directory(metrics, ignored)) {
            writable.push_back(metrics);
        } else {
            spdlog::warn("{} of metrics.textfile is not there: make it, then restart farewelld",
                         metrics.string());
        }
    }
    // The filter last: it does not let the fence be put up any more.
    for (const auto& step : {write_only_below(writable), restrict_system_calls()}) {
        if (step) {
            continue;
        }
        if (config.sandbox == config::Sandbox::required) {
            return std::unexpected(
                StartFailure{.message = step.error() + "; process.sandbox = \"auto\" goes on without"});
        }
        spdlog::warn("{}; going on without (process.sandbox)", step.error());
    }
    return {};
}

}  // namespace farewell::daemon

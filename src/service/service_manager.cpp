// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/service_manager.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>

#include "report/printable.hpp"

namespace farewell::service {
namespace {

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
    return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::int64_t> number_in(const char* name) {
    const std::string_view text = variable(name);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

/// A status is one line of the protocol, and of what `systemctl status` prints.
std::string one_line(std::string_view text) {
    std::string line(text);
    std::ranges::replace(line, '\n', ' ');
    return report::printable(line);
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    ServiceManager manager;
    if (auto socket = LocalDatagrams::open(variable("NOTIFY_SOCKET"))) {
        manager.socket_.emplace(std::move(*socket));
    }
    const auto microseconds = number_in("WATCHDOG_USEC");
    // The variables may have been inherited from somebody who is watched himself.
    const bool is_for_us = number_in("WATCHDOG_PID").value_or(getpid()) == getpid();
    if (manager.socket_ && is_for_us && microseconds && *microseconds > 0) {
        manager.watchdog_ = std::chrono::microseconds(*microseconds);
    }
    return manager;
}

void ServiceManager::ready(std::string_view status) const {
    tell(fmt::format("READY=1\nSTATUS={}", one_line(status)));
}

void ServiceManager::reloading() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void ServiceManager::stopping() const {
    tell("STOPPING=1\nSTATUS=stopping");
}

void ServiceManager::alive() const {
    tell("WATCHDOG=1");
}

void ServiceManager::status(std::string_view text) const {
    tell("STATUS=" + one_line(text));
}

void ServiceManager::tell(std::string_view message) const {
    if (socket_) {
        static_cast<void>(socket_->send(message, false));
    }
}

}  // namespace farewell::service

// SPDX-License-Identifier: GPL-2.0-or-later
// What the service manager is told: that we are ready, reload, stop, and live (the protocol of sd_notify(3),
// which systemd is not alone in speaking).
//
// Use:      from_environment(), before any thread; where nobody asked to be told, everything does nothing.
// Threads:  any.
// Cost:     one datagram, never waiting; one that finds no room is lost, which a watchdog's next makes good.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "service/local_datagrams.hpp"

namespace farewell::service {

class ServiceManager {
 public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    [[nodiscard]] static ServiceManager from_environment();

    [[nodiscard]] bool is_there() const { return socket_.has_value(); }
    /// Within which it wants to hear from us, again and again; nullopt: it does not.
    [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

    void ready(std::string_view status) const;
    void reloading() const;
    void stopping() const;
    void alive() const;
    /// One line for people, as `systemctl status` shows it.
    void status(std::string_view text) const;

 private:
    void tell(std::string_view message) const;

    std::optional<LocalDatagrams> socket_;
    std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace farewell::service

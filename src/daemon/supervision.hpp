// SPDX-License-Identifier: GPL-2.0-or-later
// Keeps the service manager informed while the daemon runs: a watchdog that is fed only while the engine and
// every receiving thread come round, and a line of status.
//
// Use:      begin() when everything runs, end() before anything stops.
// Threads:  reloaded() from any; everything else from the control thread.
// Cost:     four times per watchdog interval each receiving thread is woken, and a datagram sent; every ten
//           seconds a status. Nothing where nobody asked.
// Logs:     threads that do not come round, once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string_view>

#include "daemon/engine_loop.hpp"
#include "service/heartbeat.hpp"
#include "service/service_manager.hpp"
#include "source/packet_source.hpp"

namespace farewell::daemon {

class Supervision {
 public:
    /// All outlive it.
    Supervision(boost::asio::io_context& context, service::ServiceManager manager,
                source::PacketSource& source, EngineLoop& loop, bool observing);

    void begin();
    void reloading() const { manager_.reloading(); }
    void reloaded(std::string_view outcome) const { manager_.ready(outcome); }
    void end();

 private:
    void await_beat();
    void beat();
    void await_status();
    void tell_of_the_missing();

    service::ServiceManager manager_;
    source::PacketSource& source_;
    EngineLoop& loop_;
    const bool observing_;
    boost::asio::steady_timer beat_timer_;
    boost::asio::steady_timer status_timer_;
    service::Heartbeat heartbeat_;
    int beats_missed_ = 0;  // in a row
};

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/supervision.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>
#include <vector>

#include "report/quantity_text.hpp"
#include "service/event_log.hpp"

namespace farewell::daemon {
namespace {

constexpr int kBeatsPerInterval = 4;
constexpr int kBeatsMissedBeforeTold = 2;
constexpr std::chrono::seconds kStatusEvery{10};

}  // namespace

Supervision::Supervision(boost::asio::io_context& context, service::ServiceManager manager,
                         source::PacketSource& source, EngineLoop& loop, bool observing)
    : manager_(std::move(manager)),
      source_(source),
      loop_(loop),
      observing_(observing),
      beat_timer_(context),
      status_timer_(context) {}

void Supervision::begin() {
    manager_.ready(observing_ ? "observing" : "enforcing");
    if (manager_.watchdog()) {
        source_.wake();
        await_beat();
    }
    if (manager_.is_there()) {
        await_status();
    }
}

void Supervision::end() {
    manager_.stopping();
    beat_timer_.cancel();
    status_timer_.cancel();
}

void Supervision::await_beat() {
    beat_timer_.expires_after(*manager_.watchdog() / kBeatsPerInterval);
    beat_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            beat();
            await_beat();
        }
    });
}

void Supervision::beat() {
    std::vector<std::uint64_t> rounds = source_.rounds();
    rounds.push_back(loop_.rounds());
    if (heartbeat_.have_all_come_round(rounds)) {
        manager_.alive();
        beats_missed_ = 0;
    } else if (++beats_missed_ == kBeatsMissedBeforeTold) {
        tell_of_the_missing();
    }
    // A quiet queue, and an engine that sleeps, are no stuck ones: this shows until the next beat.
    source_.wake();
    loop_.post([](EngineLoop&) {});
}

void Supervision::tell_of_the_missing() {
    const std::vector<source::LaneStatus> lanes = source_.own_status();
    std::string names;
    for (const std::size_t place : heartbeat_.missing()) {
        names += names.empty() ? "" : ", ";
        names += place < lanes.size() ? fmt::format("{} {}", source_.lane_name(), lanes[place].number)
                                      : "the engine";
    }
    service::log_event(service::kThreadStuck, spdlog::level::err,
                       fmt::format("threads that do not go on: {}; the watchdog is not fed", names),
                       {{service::field::kReason, names}});
}

void Supervision::await_status() {
    status_timer_.expires_after(kStatusEvery);
    status_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        std::uint64_t packets = 0;
        std::uint64_t lost = 0;
        for (const source::LaneStatus& lane : source_.status()) {
            packets += lane.packets;
            lost += lane.lost_in_socket + lane.lost_in_queue.value_or(0);
        }
        loop_.post([this, packets, lost](EngineLoop& loop) {
            const std::string trouble = loop.trouble();
            manager_.status(fmt::format("{}: {}, {}, {} lost{}", observing_ ? "observing" : "enforcing",
                                        report::counted(loop.engine().bans_wanted(), "ban"),
                                        report::counted(packets, "packet"), lost,
                                        trouble.empty() ? "" : "; " + trouble));
        });
        await_status();
    });
}

}  // namespace farewell::daemon

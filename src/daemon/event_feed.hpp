// SPDX-License-Identifier: GPL-2.0-or-later
// Events for those who follow them: first what was, from the history, then what comes, as it happens.
//
//   engine thread ── on_event ─► queue ─► control thread ─► one list of waiting events a client ─► its stream
//        └─► recorder ── what was, up to event number n ───────────────┘  (from the queue: those above n)
//
// That a client starts to follow is the engine thread's turn: it is between two events, so none is missed and
// none told twice.
//
// Use:       one instance, for as long as the control server runs.
// Threads:   on_event() on the engine thread; everything else on the control thread.
// Cost:      nothing on the engine thread while nobody follows; then a copy of each event.
// Limits:    kWaitingMax events wait for a client, EventQueue::kCapacity between the threads. What finds no
//            room is left out, and the client is told how many were.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <vector>

#include "daemon/control_server.hpp"
#include "daemon/engine_loop.hpp"
#include "history/event_queue.hpp"
#include "history/query.hpp"
#include "history/recorder.hpp"

namespace farewell::daemon {

class EventFeed {
 public:
    /// `history`: nullptr where it is off; then there is nothing that was.
    EventFeed(boost::asio::io_context& context, EngineLoop& loop, history::Recorder* history);

    void on_event(const history::Event& event);
    void follow(const history::EventQuery& query, std::shared_ptr<AnswerStream> stream);

    static constexpr std::size_t kPastMax = 1000;
    static constexpr std::size_t kWaitingMax = 2000;  // the past included

 private:
    struct Follower;
    struct Past {
        std::vector<nlohmann::json> events;
        bool has_more = false;     // older ones than these
        std::uint64_t number = 0;  // of the last event that may be among them
    };

    void ask_past(const std::shared_ptr<Follower>& follower);
    void begin(const std::shared_ptr<Follower>& follower, const Past& past);
    void take_events();
    static void offer(Follower& follower, const history::Record& record, std::uint64_t number);
    static void send_waiting(Follower& follower);

    boost::asio::io_context& context_;
    EngineLoop& loop_;
    history::Recorder* history_;
    std::size_t listeners_ = 0;  // engine thread only, as the next
    std::uint64_t number_ = 0;   // of the last event
    history::EventQueue queue_;
    std::atomic<std::uint64_t> overflowed_{0};
    std::atomic<bool> is_woken_{false};  // the control thread is going to look at the queue
    std::set<std::shared_ptr<Follower>> followers_;
};

}  // namespace farewell::daemon

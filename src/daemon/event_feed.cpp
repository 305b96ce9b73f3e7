// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/event_feed.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/clock.hpp"
#include "daemon/history_documents.hpp"
#include "report/quantity_text.hpp"

namespace farewell::daemon {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// What stands where events are left out.
json gap(std::string_view reason) {
    return {{"schema", "farewell/event/v1"},
            {"event", "left_out"},
            {"at", report::to_rfc3339(std::chrono::system_clock::now())},
            {"observed", false},
            {"reason", reason}};
}

bool is_wanted(const history::Record& record, const history::EventQuery& query) {
    return !query.source || (record.source && record.source->overlaps(*query.source));
}

}  // namespace

struct EventFeed::Follower {
    history::EventQuery query;
    std::shared_ptr<AnswerStream> stream;
    bool has_begun = false;   // what was is known
    std::uint64_t after = 0;  // events up to this number are among what was
    std::deque<std::pair<std::uint64_t, json>> waiting;
    std::uint64_t left_out = 0;  // since the last one that waits
};

EventFeed::EventFeed(asio::io_context& context, EngineLoop& loop, history::Recorder* history)
    : context_(context), loop_(loop), history_(history) {}

void EventFeed::on_event(const history::Event& event) {
    number_ = event.number;
    if (listeners_ == 0) {
        return;
    }
    if (!queue_.push(event)) {
        overflowed_.fetch_add(1, std::memory_order_relaxed);
    }
    if (!is_woken_.exchange(true)) {
        asio::post(context_, [this] { take_events(); });
    }
}

void EventFeed::follow(const history::EventQuery& query, std::shared_ptr<AnswerStream> stream) {
    const auto follower = std::make_shared<Follower>();
    follower->query = query;
    follower->stream = std::move(stream);
    // The follower owns its stream, so what the stream calls must not own the follower.
    const std::weak_ptr<Follower> known = follower;
    follower->stream->on_room([known] {
        if (const auto waiting = known.lock()) {
            send_waiting(*waiting);
        }
    });
    follower->stream->on_closed([this, known] {
        followers_.erase(known.lock());
        loop_.post([this](EngineLoop& /*loop*/) { --listeners_; });
    });
    followers_.insert(follower);
    loop_.post([this, follower](EngineLoop& /*loop*/) {
        ++listeners_;
        ask_past(follower);
    });
}

/// On the engine thread. What has happened so far comes from the history, what happens from now on by the
/// queue.
void EventFeed::ask_past(const std::shared_ptr<Follower>& follower) {
    const auto answer = [this, follower](Past past) {
        asio::post(context_, [this, follower, past = std::move(past)] { begin(follower, past); });
    };
    const bool asked =
        history_ != nullptr && history_->ask([this, follower, answer](history::Archive& archive) {
            json document = events_document(archive, follower->query);
            answer({.events = std::move(document.at("events").get_ref<json::array_t&>()),
                    .has_more = document.at("more") == true,
                    .number = history_->recorded()});
        });
    if (!asked) {
        answer({.events = {}, .has_more = history_ != nullptr, .number = number_});
    }
}

void EventFeed::begin(const std::shared_ptr<Follower>& follower, const Past& past) {
    Follower& one = *follower;
    std::erase_if(one.waiting, [&](const auto& live) { return live.first <= past.number; });
    for (auto event = past.events.rbegin(); event != past.events.rend(); ++event) {
        one.waiting.emplace_front(past.number, *event);
    }
    if (past.has_more) {
        one.waiting.emplace_front(past.number, gap("older"));
    }
    one.after = past.number;
    one.has_begun = true;
    send_waiting(one);
}

void EventFeed::take_events() {
    is_woken_.store(false);  // before looking: whoever comes later wakes anew
    const std::vector<history::Event> events = queue_.take_all();
    const std::uint64_t overflowed = overflowed_.exchange(0);
    const auto followers = followers_;  // a stream that breaks leaves
    for (const history::Event& event : events) {
        const history::Record record = history::record_of(event, wall_time);
        for (const auto& follower : followers) {
            offer(*follower, record, event.number);
        }
    }
    for (const auto& follower : followers) {
        follower->left_out += overflowed;
        send_waiting(*follower);
    }
}

void EventFeed::offer(Follower& follower, const history::Record& record, std::uint64_t number) {
    if (!is_wanted(record, follower.query) || (follower.has_begun && number <= follower.after)) {
        return;
    }
    if (follower.left_out > 0 || follower.waiting.size() >= kWaitingMax) {
        ++follower.left_out;  // once there is a gap, it is closed by saying how wide it is
        return;
    }
    follower.waiting.emplace_back(number, history::to_json(record));
}

void EventFeed::send_waiting(Follower& follower) {
    if (!follower.has_begun) {
        return;
    }
    while (!follower.waiting.empty()) {
        if (!follower.stream->send(follower.waiting.front().second)) {
            return;
        }
        follower.waiting.pop_front();
    }
    if (follower.left_out > 0) {
        json notice = gap("behind");
        notice["count"] = follower.left_out;
        if (follower.stream->send(notice)) {
            follower.left_out = 0;
        }
    }
}

}  // namespace farewell::daemon

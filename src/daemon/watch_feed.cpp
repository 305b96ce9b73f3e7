// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/watch_feed.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/clock.hpp"

namespace farewell::daemon {

namespace asio = boost::asio;
using nlohmann::json;

WatchFeed::WatchFeed(asio::io_context& context, EngineLoop& loop, Settings settings)
    : context_(context), loop_(loop), settings_(std::move(settings)), timer_(context) {}

void WatchFeed::follow(std::shared_ptr<AnswerStream> stream) {
    // The list owns the stream; what the stream calls must not.
    stream->on_closed([this, known = std::weak_ptr(stream)] { watchers_.erase(known.lock()); });
    watchers_.emplace(std::move(stream), 0);
    if (!std::exchange(is_ticking_, true)) {
        last_ = boot_now();
        last_received_ = settings_.packets().received;
        loop_.post([this](EngineLoop& loop) {
            loop.watch(true);
            next_walk_ = {};
        });
        tick();
    }
}

void WatchFeed::tick() {
    if (watchers_.empty()) {
        is_ticking_ = false;
        loop_.post([](EngineLoop& loop) { loop.watch(false); });
        return;
    }
    if (!std::exchange(is_asked_, true)) {
        loop_.post([this](EngineLoop& loop) {
            asio::post(context_, [this, facts = gather(loop)] { publish(facts); });
        });
    }
    timer_.expires_after(kEvery);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            tick();
        }
    });
}

WatchFacts WatchFeed::gather(EngineLoop& loop) {
    const core::Time now = boot_now();
    const core::Engine& engine = loop.engine();
    if (now >= next_walk_) {
        nearest_ = engine.top_sources(kSourcesShown, now);
        next_walk_ = now + kWalkShare * (boot_now() - now);
    }
    return {.now = now,
            .rule = engine.limits().rule,
            .counters = engine.counters(),
            .tracked = engine.sources_tracked(),
            .nearest = nearest_,
            .bans = engine.bans_wanted(),
            .some_bans = engine.some_bans(kBansShownOfEachEnd),
            .trouble = loop.trouble(),
            .taken = loop.take_watched()};
}

void WatchFeed::publish(const WatchFacts& facts) {
    is_asked_ = false;
    WatchFrame frame{.observing = settings_.observing,
                     .started = settings_.started,
                     .packets = settings_.packets(),
                     .interval = facts.now - last_};
    const double seconds = std::chrono::duration<double>(frame.interval).count();
    if (seconds > 0) {
        frame.packets_per_second = static_cast<double>(frame.packets.received - last_received_) / seconds;
        frame.probes_per_second = static_cast<double>(facts.taken.probes_seen) / seconds;
    }
    last_ = facts.now;
    last_received_ = frame.packets.received;
    json document = watch_document(frame, facts);
    for (auto& [stream, missed] : watchers_) {
        document["missed"] = missed;
        missed = stream->send(document) ? 0 : missed + 1;
    }
}

}  // namespace farewell::daemon

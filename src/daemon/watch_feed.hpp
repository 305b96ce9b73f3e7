// SPDX-License-Identifier: GPL-2.0-or-later
// What farewell watch shows: a few times a second a picture of the engine, the same for all who watch.
//
// Use:       one instance, for as long as the control server runs. Threads: the control thread's.
// Cost:      nothing while nobody watches. Then what WatchTap costs a probe, and for each picture some ten
//            microseconds of the engine thread; looking through the sources takes it kWalkShare at most.
// Limits:    what WatchTap has. A client that is behind gets fewer pictures, and is told how many it missed;
//            an engine that is behind makes fewer.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "daemon/control_server.hpp"
#include "daemon/engine_loop.hpp"
#include "daemon/watch_document.hpp"

namespace farewell::daemon {

class WatchFeed {
 public:
    struct Settings {
        bool observing = false;
        core::Time started;
        std::function<PacketFacts()> packets;  ///< called on the control thread
    };
    WatchFeed(boost::asio::io_context& context, EngineLoop& loop, Settings settings);

    void follow(std::shared_ptr<AnswerStream> stream);

    static constexpr std::chrono::milliseconds kEvery{250};
    static constexpr std::size_t kSourcesShown = 64;
    static constexpr std::size_t kBansShownOfEachEnd = 32;
    static constexpr int kWalkShare = 50;  // a fiftieth of its time

 private:
    void tick();
    [[nodiscard]] WatchFacts gather(EngineLoop& loop);
    void publish(const WatchFacts& facts);

    boost::asio::io_context& context_;
    EngineLoop& loop_;
    const Settings settings_;
    boost::asio::steady_timer timer_;
    std::map<std::shared_ptr<AnswerStream>, std::uint64_t> watchers_;  // pictures each has missed
    bool is_ticking_ = false;
    bool is_asked_ = false;  // the engine thread has not answered yet
    core::Time last_;        // picture, and what was counted by then
    std::uint64_t last_received_ = 0;
    // Engine thread only:
    std::vector<core::SourceStanding> nearest_;  // as of the last walk
    core::Time next_walk_;
};

}  // namespace farewell::daemon

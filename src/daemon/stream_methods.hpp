// SPDX-License-Identifier: GPL-2.0-or-later
// The methods of the control socket that are answered again and again, as things happen: what a client asks
// for is checked here, the rest is the feeds'. Control thread.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "daemon/control_server.hpp"
#include "daemon/event_feed.hpp"
#include "daemon/watch_feed.hpp"

namespace farewell::daemon {

class StreamMethods {
 public:
    StreamMethods(EventFeed& events, WatchFeed& pictures) : events_(events), pictures_(pictures) {}

    /// false: that method has one answer only.
    bool follow(const nlohmann::json& request, std::shared_ptr<AnswerStream> stream);

 private:
    EventFeed& events_;
    WatchFeed& pictures_;
};

}  // namespace farewell::daemon

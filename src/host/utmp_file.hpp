// SPDX-License-Identifier: GPL-2.0-or-later
// utmp(5): who is logged in, and from where. Read as bytes rather than by getutxent(3), which keeps hidden
// state and sets an alarm of the process for its lock.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "host/remote_session.hpp"

namespace farewell::host {

/// The remote sessions of a utmp file. A record whose process is gone is left over from a crash, and passed
/// over; so is a rest that is no whole record.
[[nodiscard]] std::vector<RemoteSession> parse_utmp(std::string_view bytes,
                                                    const std::function<bool(int process)>& is_alive);

}  // namespace farewell::host

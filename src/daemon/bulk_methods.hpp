// SPDX-License-Identifier: GPL-2.0-or-later
// Methods of the control socket for lists of bans of any length: in, part by part, and out as a whole.
// Threads: to be called on the control thread; each is a task of the engine's, a long list several.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "daemon/control_server.hpp"
#include "daemon/engine_loop.hpp"

namespace farewell::daemon {

/// {"bans": [{"source", "seconds"?, "note"?}, …]}: all or none is wrong, then each is ordered by itself.
void add_bans(EngineLoop& loop, const nlohmann::json& parameters, ControlServer::Answer answer);
/// Every ban that is wanted, without its evidence, in the order of sources; {"after": SOURCE}? asks for those
/// behind it. A list so long that it would hold up the engine is cut off, and `next` says what to ask after.
void export_bans(EngineLoop& loop, const nlohmann::json& parameters, ControlServer::Answer answer);

}  // namespace farewell::daemon

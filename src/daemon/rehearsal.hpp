// SPDX-License-Identifier: GPL-2.0-or-later
// One scan before all others, of nobody.
#pragma once

#include "enforce/enforcer.hpp"

namespace farewell::daemon {

/// Goes through everything that lies between a packet and its ban, with a reader and an engine of its own, so
/// that none of it has to be fetched from disk or bound for the first scanner: that took three times as long
/// as it takes warm, and every tenth of a millisecond is a closed port more. The kernel is told to let in
/// 0.0.0.0, whom nobody can have banned: one transaction as of a ban. Returns whether the engine decided on a
/// ban. Before any other thread uses the enforcer.
bool rehearse(enforce::Enforcer& enforcer);

}  // namespace farewell::daemon

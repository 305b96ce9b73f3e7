// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell bans import` and `farewell bans export`.
#pragma once

#include "cli/session.hpp"

namespace farewell::cli {

/// `bans`: the command that they belong to.
void add_ban_list_commands(CLI::App& bans, Session& session);

}  // namespace farewell::cli

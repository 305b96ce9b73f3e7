// SPDX-License-Identifier: GPL-2.0-or-later
// The exit statuses of both programs; promises of the manual. 69 and 78 are sysexits(3)'s.
#pragma once

namespace farewell::report {

enum class ExitStatus : int {
    ok = 0,
    failure = 1,
    usage = 2,
    not_there = 3,
    no_permission = 4,
    degraded = 5,
    unreachable = 69,
    configuration = 78,
};

}  // namespace farewell::report

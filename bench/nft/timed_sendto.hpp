// SPDX-License-Identifier: GPL-2.0-or-later
// What sendto(2) takes, by whoever it is called: the kernel carries a transaction out before it returns.
#pragma once

namespace farewell::bench {

/// Of this thread's last call.
[[nodiscard]] double last_sendto_seconds();

}  // namespace farewell::bench

// SPDX-License-Identifier: MIT
// Signals as a stop: queue->run(handler, stop_on_signals()).
#pragma once

#include <csignal>
#include <initializer_list>
#include <stop_token>

namespace farewell {

/// A token that is asked to stop by the first of these signals. A second one ends the program as if this had
/// never been called, should the first not suffice. Call it once, before any other thread is started: the
/// signals are blocked in the calling thread and in those that it starts, and a thread waits for them.
[[nodiscard]] std::stop_token stop_on_signals(std::initializer_list<int> signals = {SIGINT, SIGTERM});

}  // namespace farewell

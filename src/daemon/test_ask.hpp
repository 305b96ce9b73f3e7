// SPDX-License-Identifier: GPL-2.0-or-later
// Tests ask on the engine thread, and wait for its answer.
#pragma once

#include <future>

#include "daemon/engine_loop.hpp"

namespace farewell::daemon {

template <typename Question>
auto ask_on(EngineLoop& loop, Question question) {
    std::promise<decltype(question(loop))> answer;
    loop.post([&](EngineLoop& running) { answer.set_value(question(running)); });
    return answer.get_future().get();
}

}  // namespace farewell::daemon

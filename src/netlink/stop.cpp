// SPDX-License-Identifier: MIT
#include <farewell/stop.hpp>

#include <signal.h>
#include <unistd.h>

#include <thread>

namespace farewell {

std::stop_token stop_on_signals(std::initializer_list<int> signals) {
    sigset_t awaited;
    sigemptyset(&awaited);
    for (const int signal : signals) {
        sigaddset(&awaited, signal);
    }
    pthread_sigmask(SIG_BLOCK, &awaited, nullptr);

    const std::stop_source stop;
    const std::stop_token token = stop.get_token();
    std::thread([awaited, stop] {
        int signal = 0;
        sigwait(&awaited, &signal);
        stop.request_stop();
        pthread_sigmask(SIG_UNBLOCK, &awaited, nullptr);
        while (true) {
            pause();  // here the second one does what it does by default
        }
    }).detach();
    return token;
}

}  // namespace farewell

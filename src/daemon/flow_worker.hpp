// SPDX-License-Identifier: GPL-2.0-or-later
// Asks the kernel's table of connections and takes flows out of it, off the engine thread: a walk through a
// large table takes long.
//
// Use:     construct, prove() and cut() as needed; the destructor ends the walk at hand and drops what waits.
// Threads: prove() and cut() from any, and they never wait for the kernel; one thread of its own works, and
//          runs the callbacks. A callback that is to reach the engine posts to EngineLoop.
// Cost:    whatever has come by then is answered by one walk. Between walks it rests for at least `Rest`, and
//          four times as long as the walk took.
// Logs:    a trouble when it begins and when it has ended. Counts: Counters.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "conntrack/flow_table.hpp"
#include "core/address.hpp"

namespace farewell::daemon {

class FlowWorker {
 public:
    /// Is told which of the addresses are FlowTable::proven, sorted; or none where the kernel could not be
    /// asked.
    using OnProven = std::move_only_function<void(const std::vector<core::Address>& proven)>;
    using Rest = std::chrono::milliseconds;

    struct Counters {
        std::uint64_t asked = 0;        ///< addresses, by prove()
        std::uint64_t proven = 0;       ///< of those
        std::uint64_t removed = 0;      ///< flows
        std::uint64_t walks = 0;        ///< questions to the kernel
        std::uint64_t failed = 0;       ///< of those
        std::uint64_t turned_away = 0;  ///< addresses and prefixes for which there was no room
    };

    explicit FlowWorker(std::unique_ptr<conntrack::FlowTable> table, Rest rest = kRest);

    /// Which of them are FlowTable::proven? False: there is no room, and nobody will be told.
    [[nodiscard]] bool prove(std::vector<core::Address> sources, OnProven on_proven);
    /// Forgets the flows that it opened. False: there is no room, and they go on.
    [[nodiscard]] bool cut(const core::Prefix& source);

    [[nodiscard]] Counters counters() const;

    static constexpr Rest kRest{100};
    static constexpr std::size_t kWaitingMax = 4096;  // addresses, and as many prefixes

 private:
    struct Question {
        std::vector<core::Address> sources;
        OnProven on_proven;
    };
    void work(const std::stop_token& stop);
    void rest(const std::stop_token& stop, std::chrono::nanoseconds walk);
    void answer(std::vector<Question> questions);
    void remove(std::vector<core::Prefix> sources);
    void tell(const Error* error);

    const std::unique_ptr<conntrack::FlowTable> table_;  // the worker's alone
    const Rest rest_;
    bool is_in_trouble_ = false;  // the worker's alone

    mutable std::mutex mutex_;  // of what follows; never held during a walk or a callback
    std::condition_variable_any changed_;
    std::vector<Question> questions_;
    std::size_t sources_waiting_ = 0;  // of all questions
    std::vector<core::Prefix> to_cut_;
    Counters counters_;

    std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
// Work handed to the engine thread by others: orders and questions from the control socket. Rare (people and
// scripts), so a mutex is right here; it is never held while work is done, and no queue thread touches it.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "source/probe_ring.hpp"

namespace farewell::daemon {

template <typename Target>
class Mailbox {
 public:
    using Task = std::move_only_function<void(Target&)>;

    explicit Mailbox(source::Doorbell& doorbell) : doorbell_(doorbell) {}

    /// Any thread. The task runs on the consumer's thread, in order.
    void post(Task task) {
        {
            const std::scoped_lock lock(mutex_);
            tasks_.push_back(std::move(task));
        }
        doorbell_.ring();
    }

    /// Consumer: runs what is there; returns whether there was anything.
    bool run_all(Target& target) {
        std::deque<Task> tasks;
        {
            const std::scoped_lock lock(mutex_);
            tasks.swap(tasks_);
        }
        for (Task& task : tasks) {
            task(target);
        }
        return !tasks.empty();
    }

    [[nodiscard]] bool empty() const {
        const std::scoped_lock lock(mutex_);
        return tasks_.empty();
    }

 private:
    source::Doorbell& doorbell_;
    mutable std::mutex mutex_;
    std::deque<Task> tasks_;
};

}  // namespace farewell::daemon

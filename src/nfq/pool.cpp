// SPDX-License-Identifier: MIT
#include <farewell/nfq/pool.hpp>

#include <atomic>
#include <cerrno>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "netlink/errors.hpp"

namespace farewell::nfq {
namespace {

/// One queue and its thread. The thread is declared last: it is joined before what it uses goes.
struct Worker {
    explicit Worker(Queue opened) : queue(std::move(opened)) {}

    Queue queue;
    Pool::Handler handler;
    std::optional<Error> error;  // the thread's, read after it has been joined
    std::atomic<bool> ended_early{false};
    std::jthread thread;

    void run(const std::stop_token& stop) {
        try {
            if (auto ended = queue.run(handler, stop); !ended) {
                fail(ended.error());
            }
        } catch (const std::exception& thrown) {
            fail(netlink::system_error(
                "handle packets of queue " + std::to_string(queue.number()) + " (" + thrown.what() + ")",
                ECANCELED));
        } catch (...) {
            fail(netlink::system_error("handle packets of queue " + std::to_string(queue.number()),
                                       ECANCELED));
        }
    }

    void fail(Error reason) {
        error = std::move(reason);
        ended_early.store(true, std::memory_order_release);
    }
};

}  // namespace

struct Pool::State {
    std::vector<std::unique_ptr<Worker>> workers;
};

Pool::Pool(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&&) noexcept = default;
Pool::~Pool() {
    if (state_) {
        [[maybe_unused]] const auto stopped = stop();  // nobody is left to tell
    }
}

std::expected<Pool, Error> Pool::open(QueueConfig config, std::uint16_t first, std::uint16_t last) {
    if (last < first) {
        return std::unexpected(
            netlink::invalid_config("open queues " + std::to_string(first) + " to " + std::to_string(last)));
    }
    auto state = std::make_unique<State>();
    for (std::uint32_t number = first; number <= last; ++number) {
        config.number = static_cast<std::uint16_t>(number);
        auto queue = Queue::open(config);
        if (!queue) {
            return std::unexpected(queue.error());
        }
        state->workers.push_back(std::make_unique<Worker>(std::move(*queue)));
    }
    return Pool(std::move(state));
}

void Pool::start(const std::function<Handler(std::uint16_t number)>& handler_for) {
    for (const auto& worker : state_->workers) {
        worker->handler = handler_for(worker->queue.number());
    }
    for (const auto& worker : state_->workers) {
        try {
            worker->thread =
                std::jthread([each = worker.get()](const std::stop_token& stop) { each->run(stop); });
        } catch (const std::system_error& refused) {
            worker->fail(
                netlink::system_error("start the thread of queue " + std::to_string(worker->queue.number()),
                                      refused.code().value()));
        }
    }
}

std::expected<void, Error> Pool::stop() {
    for (const auto& worker : state_->workers) {
        worker->thread.request_stop();
    }
    for (const auto& worker : state_->workers) {
        if (worker->thread.joinable()) {
            worker->thread.join();
        }
    }
    for (const auto& worker : state_->workers) {
        if (const auto& error = worker->error) {
            return std::unexpected(*error);
        }
    }
    return {};
}

bool Pool::has_failed() const {
    for (const auto& worker : state_->workers) {
        if (worker->ended_early.load(std::memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

void Pool::wake() {
    for (const auto& worker : state_->workers) {
        worker->queue.wake();
    }
}

std::vector<Pool::Member> Pool::stats() const {
    std::vector<Member> members;
    for (const auto& worker : state_->workers) {
        members.push_back({.number = worker->queue.number(), .stats = worker->queue.stats()});
    }
    return members;
}

}  // namespace farewell::nfq

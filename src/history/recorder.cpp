// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/recorder.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace farewell::history {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::hours kForgetEvery{1};

/// A transaction takes milliseconds, and whoever receives packets may be waiting for this processor. Of the
/// calling thread alone: to Linux each has a priority of its own.
void give_way() {
    if (getpriority(PRIO_PROCESS, 0) < Recorder::kNice) {
        setpriority(PRIO_PROCESS, 0, Recorder::kNice);
    }
}

}  // namespace

Recorder::Recorder(Settings settings)
    : settings_(std::move(settings)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      archive_(settings_.file, settings_.bounds, settings_.tell) {
    publish();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Recorder::~Recorder() {
    stop();
    close(wake_fd_);
}

void Recorder::stop() {
    if (thread_.joinable()) {
        thread_.request_stop();
        wake();
        thread_.join();
    }
}

void Recorder::post(Event event) {
    if (!queue_.push(std::move(event))) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
    }
    if (is_awaited_.exchange(false) || queue_.size() == kGatherMost) {
        wake();
    }
}

bool Recorder::ask(Question question) {
    {
        const std::scoped_lock lock(mutex_);
        if (questions_.size() >= kQuestionsMax) {
            return false;
        }
        questions_.push_back(std::move(question));
    }
    wake();
    return true;
}

void Recorder::set_bounds(const Bounds& bounds) {
    // A recorder too busy for questions keeps the old bounds until the next reload.
    static_cast<void>(ask([this, bounds](Archive& archive) { archive.set_bounds(bounds, wall_now()); }));
}

Recorder::Status Recorder::status() const {
    const std::scoped_lock lock(mutex_);
    Status status = status_;
    status.dropped += dropped_.load(std::memory_order_relaxed);
    return status;
}

void Recorder::wake() const {
    // Fails only when 2^64 - 2 wakes are pending; then it is awake.
    eventfd_write(wake_fd_, 1);
}

void Recorder::wait(steady_clock::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
    pollfd woken{.fd = wake_fd_, .events = POLLIN, .revents = 0};
    poll(&woken, 1, static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0)));
    eventfd_t wakes = 0;
    eventfd_read(wake_fd_, &wakes);
}

/// Until there is much, or the time for it is over, or somebody will not wait. A wake that was meant for an
/// earlier wait is none of these.
void Recorder::gather(const std::stop_token& stop) const {
    const auto is_asked = [this] {
        const std::scoped_lock lock(mutex_);
        return !questions_.empty();
    };
    const auto until = steady_clock::now() + settings_.gather_for;
    while (!is_asked() && !stop.stop_requested() && queue_.size() < kGatherMost &&
           steady_clock::now() < until) {
        wait(until);
    }
}

WallTime Recorder::wall_now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void Recorder::run(const std::stop_token& stop) {
    give_way();
    archive_.open(wall_now());
    auto retry_due = steady_clock::now() + settings_.retry_every;
    auto forget_due = steady_clock::now() + kForgetEvery;
    while (true) {
        const bool is_last = stop.stop_requested();  // asked first: what was posted before is taken below
        is_awaited_ = true;
        std::deque<Question> questions = take_questions();  // first: what was posted before is recorded now
        record_posted();
        for (Question& question : questions) {
            question(archive_);
        }
        const auto now = steady_clock::now();
        if (!archive_.is_in_trouble()) {
            retry_due = now + settings_.retry_every;
        } else if (now >= retry_due || is_last) {
            archive_.retry(wall_now());
            retry_due = now + settings_.retry_every;
        }
        if (now >= forget_due) {
            archive_.forget_old(wall_now());
            forget_due = now + kForgetEvery;
        }
        publish();
        if (is_last) {
            return;
        }
        wait(archive_.is_in_trouble() ? std::min(retry_due, forget_due) : forget_due);
        gather(stop);
    }
}

void Recorder::record_posted() {
    const std::vector<Event> events = queue_.take_all();
    if (events.empty()) {
        return;
    }
    std::vector<Record> records;
    records.reserve(events.size());
    for (const Event& event : events) {
        records.push_back(record_of(event, settings_.wall_clock));
    }
    archive_.record(std::move(records));
    recorded_ = events.back().number;
}

std::deque<Recorder::Question> Recorder::take_questions() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(questions_, {});
}

void Recorder::publish() {
    Status status{.events = archive_.count(),
                  .bytes = archive_.size(),
                  .waiting = archive_.waiting(),
                  .dropped = archive_.lost(),
                  .bounds = archive_.bounds(),
                  .trouble = archive_.trouble()};
    const std::scoped_lock lock(mutex_);
    status_ = std::move(status);
}

}  // namespace farewell::history

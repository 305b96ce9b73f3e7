// SPDX-License-Identifier: GPL-2.0-or-later
// The history's thread: takes events from the engine thread, has the archive keep them, answers questions.
//
// Use:      construct, post() what happens, ask(); stop() writes what is left.
// Threads:  post() from one thread, the engine's; ask(), set_bounds() and status() from any. Questions run on
//           the thread of the recorder.
// Cost:     post() moves the event, wakes the recorder if it is the first for a while, and never waits:
//           neither for the disk nor for a lock. What gathers for a moment, or until somebody asks, is one
//           transaction: in a storm of bans one for each would take more of a processor than to ban.
// Says:     what the archive says, on the thread of the recorder.
// Counts:   events dropped because the recorder was behind, or because memory was all there was.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "history/archive.hpp"
#include "history/event_queue.hpp"

namespace farewell::history {

class Recorder {  // NOLINT(clang-analyzer-optin.performance.Padding): there is one
 public:
    struct Settings {
        std::filesystem::path file;
        Bounds bounds;
        report::WallClock wall_clock;  ///< called on the thread of the recorder
        Tell tell;                     ///< the same
        std::chrono::milliseconds retry_every{10'000};
        std::chrono::milliseconds gather_for{20};
    };
    struct Status {
        std::uint64_t events = 0;  ///< that can be asked for
        std::size_t bytes = 0;     ///< on the disk
        std::size_t waiting = 0;   ///< of the events: in memory alone
        std::uint64_t dropped = 0;
        Bounds bounds;
        std::string trouble;  ///< why events are kept in memory alone; empty: they are not
    };
    using Question = std::move_only_function<void(Archive&)>;

    explicit Recorder(Settings settings);
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;
    ~Recorder();

    void post(Event event);
    /// The answer knows of everything that was posted before it was asked, by the same thread or in another
    /// way surely before. false: too many are waiting, the disk must be hanging; the question is not asked.
    [[nodiscard]] bool ask(Question question);
    void set_bounds(const Bounds& bounds);
    [[nodiscard]] Status status() const;
    /// For questions, on the thread of the recorder: the Event::number up to which they are answered.
    [[nodiscard]] std::uint64_t recorded() const { return recorded_; }
    /// Keeps what was posted, answers what was asked, and ends the thread. Nothing may be posted any more.
    void stop();

    static constexpr std::size_t kQuestionsMax = 64;
    static constexpr std::size_t kGatherMost = EventQueue::kCapacity / 4;
    static constexpr int kNice = 5;  ///< of its thread, unless the process has more

 private:
    void run(const std::stop_token& stop);
    void wait(std::chrono::steady_clock::time_point until) const;
    void gather(const std::stop_token& stop) const;
    void wake() const;
    void record_posted();
    [[nodiscard]] std::deque<Question> take_questions();
    void publish();
    [[nodiscard]] WallTime wall_now() const;

    const Settings settings_;
    int wake_fd_ = -1;  // an eventfd
    EventQueue queue_;
    std::atomic<bool> is_awaited_{true};     // the next post() wakes
    std::atomic<std::uint64_t> dropped_{0};  // by post()
    Archive archive_;                        // thread of the recorder only, as the next
    std::uint64_t recorded_ = 0;
    mutable std::mutex mutex_;  // of what follows; never held while work is done
    std::deque<Question> questions_;
    Status status_;
    std::jthread thread_;
};

}  // namespace farewell::history

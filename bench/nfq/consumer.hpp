// SPDX-License-Identifier: GPL-2.0-or-later
// What every consumer of the benchmark has in common: its options, what it counts, and the line it prints at
// the end. Each binds its queue, prints "ready", waits for a line on stdin, and takes packets until none has
// come for a while.
#pragma once

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace farewell::bench {

using Clock = std::chrono::steady_clock;

/// No packet for so long: the round is over.
constexpr std::chrono::milliseconds kIdle{400};

/// As the other consumers shall have it too. Without --same each does as its own documentation has it.
struct Options {
    bool same = false;
    std::uint16_t number = 0;
    std::uint32_t copy_range = 128;
    std::uint32_t max_length = 16'384;
    std::uint32_t receive_buffer = 16U << 20U;
    std::chrono::microseconds max_wait{0};
};

inline Options options_from(int argc, char** argv) {
    Options options;
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    for (const std::string_view argument : arguments.subspan(1)) {
        if (argument == "--same") {
            options.same = true;
        } else if (argument.starts_with("--max-length=")) {
            options.max_length = static_cast<std::uint32_t>(std::atoi(argument.data() + 13));
            options.receive_buffer = 1024 * options.max_length;  // 832 bytes are needed for each
        } else if (argument.starts_with("--max-wait=")) {
            options.max_wait = std::chrono::microseconds(std::atoi(argument.data() + 11));
        } else {
            std::fprintf(stderr, "unknown option %s\n", argument.data());
            std::exit(2);
        }
    }
    return options;
}

[[noreturn]] inline void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

constexpr std::size_t kDatagramMax = 0x10000 + 4096;  // a packet copied whole, and what is told about it
constexpr std::size_t kSmallDatagramMax = 1280;       // the same of a small copy range

inline void force_receive_buffer(int fd, std::uint32_t bytes) {
    const int half = static_cast<int>(bytes / 2);  // the kernel doubles it
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof half);
}

/// A receive that waits ends after kIdle with nothing.
inline void limit_waiting(int fd) {
    const timeval limit{.tv_sec = 0, .tv_usec = std::chrono::microseconds(kIdle).count()};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

/// Counts packets, the gaps between their ids, and the time from the first to the last.
class Tally {
 public:
    /// `next` is the id or sequence number that a first packet has.
    explicit Tally(std::uint32_t next = 1) : next_(next) {}

    /// Nothing is read before the line on stdin: what has arrived until then is waiting in the kernel.
    void wait_for_go() {
        std::puts("ready");
        std::fflush(stdout);
        static_cast<void>(std::getchar());
        begin_ = last_ = Clock::now();
        getrusage(RUSAGE_SELF, &before_);
    }
    /// Also looks at the packet, as anybody would.
    void count(std::uint32_t id, std::span<const unsigned char> payload) {
        lost_ += id - next_;
        next_ = id + 1;
        ++received_;
        looked_at_ += payload.empty() ? 0U : payload[0];
    }
    void count(std::uint32_t id, std::span<const std::byte> payload) {
        lost_ += id - next_;
        next_ = id + 1;
        ++received_;
        looked_at_ += payload.empty() ? 0U : std::to_integer<unsigned>(payload[0]);
    }
    /// After what was received in one go.
    void batch_done() { last_ = Clock::now(); }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    [[nodiscard]] bool is_idle() const { return Clock::now() - last_ > kIdle; }

    /// `system_calls` as far as the consumer counts its own; 0: it does not.
    void print(std::uint64_t system_calls = 0) const {
        rusage after{};
        getrusage(RUSAGE_SELF, &after);
        const double user = seconds(after.ru_utime) - seconds(before_.ru_utime);
        const double system = seconds(after.ru_stime) - seconds(before_.ru_stime);
        std::printf(
            "{\"received\": %llu, \"lost\": %llu, \"last_id\": %u, \"user\": %.6f, \"system\": %.6f, "
            "\"wall\": %.6f, \"system_calls\": %llu, \"looked_at\": %llu}\n",
            static_cast<unsigned long long>(received_), static_cast<unsigned long long>(lost_), next_ - 1,
            user, system, std::chrono::duration<double>(last_ - begin_).count(),
            static_cast<unsigned long long>(system_calls), static_cast<unsigned long long>(looked_at_));
    }

 private:
    static double seconds(const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    }

    std::uint32_t next_;
    std::uint64_t received_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t looked_at_ = 0;
    rusage before_{};
    Clock::time_point begin_, last_;
};

}  // namespace farewell::bench

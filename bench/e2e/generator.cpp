// SPDX-License-Identifier: GPL-2.0-or-later
// Everything that comes in the whole-path benchmark, see run.py. Prints JSON.
//   bench_generator rate RATE TENTHS              for so many tenths of a second, probes of many sources, of
//   which none tries more than nine ports bench_generator scanners COUNT RATE TAIL      one scanner after
//   another, 10,000 probes a second, among RATE of the above; each goes on
//                                                 until its ban is told of, or for TAIL probes after the
//                                                 tenth
//   bench_generator storm COUNT ORDINARY WAIT     ten probes of each of so many scanners, all in turn, as
//   fast as it goes, with ordinary
//                                                 scanners among them; then up to WAIT seconds until all are
//                                                 banned
//   bench_generator sources FIRST COUNT RATE      one probe of each of so many IPv6 sources
// Started in the namespace of the sender; SERVER_NETNS is the path of the other one, SERVER_MAC where frames
// go.
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/wire/arrivals.hpp"
#include "bench/wire/wire.hpp"
#include "nft/owned.hpp"

using namespace farewell::bench;

namespace {

using namespace std::chrono_literals;

// Sources: quiet ones from 198.18.1.0 on, scanners from 198.19.192.0 on.
constexpr std::uint32_t kQuiet = 0xc6120100;
constexpr std::uint32_t kScanners = 0xc613c000;
constexpr std::size_t kQuietSources = kScanners - kQuiet;
constexpr std::size_t kScannersMost = 0x3fff;
constexpr std::size_t kQuietPorts = 9;
constexpr std::size_t kThreshold = 10;
constexpr auto kBetweenProbes = 100us;
constexpr auto kBetweenScanners = 2ms;
constexpr std::size_t kTailMost = 5'000;  // probes after the tenth where no ban is told of: half a second
constexpr std::size_t kAfterTheBan = 3;   // probes that must be dropped
constexpr std::size_t kBatch = 16;        // frames a system call
constexpr auto kShortest = 50us;          // sleeping takes as long
constexpr auto kLateMost = 200us;         // what is later than that is not made up for by a burst

double microseconds(Clock::duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

Clock::duration processor_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Sends frames; what the receiver's stack does with them is done in the same system call, up to the queue.
class Wire {
 public:
    explicit Wire(Frame::Family family = Frame::Family::ipv4)
        : fd_(open_wire()), frames_(kBatch, Frame(variable("SERVER_MAC"), family)) {
        prctl(PR_SET_TIMERSLACK, 1);
    }

    void add(std::uint32_t source, std::size_t port) {
        frames_[waiting_].set(source, static_cast<std::uint16_t>(port));
        if (++waiting_ == kBatch) {
            flush();
        }
    }

    void flush() {
        std::array<iovec, kBatch> vectors{};
        std::array<mmsghdr, kBatch> headers{};
        for (std::size_t i = 0; i < waiting_; ++i) {
            const auto bytes = frames_[i].bytes();
            vectors[i] = {.iov_base = const_cast<std::uint8_t*>(bytes.data()), .iov_len = bytes.size()};
            headers[i].msg_hdr.msg_iov = &vectors[i];
            headers[i].msg_hdr.msg_iovlen = 1;
        }
        const auto before = processor_time();
        for (std::size_t sent = 0; sent < waiting_;) {
            const int count = sendmmsg(fd_, &headers[sent], static_cast<unsigned>(waiting_ - sent), 0);
            if (count < 0 && errno != ENOBUFS && errno != EINTR) {
                give_up("send");
            }
            sent += static_cast<std::size_t>(std::max(count, 0));
        }
        processor_ += processor_time() - before;
        sent_ += waiting_;
        waiting_ = 0;
    }

    [[nodiscard]] std::size_t sent() const { return sent_; }
    /// What sending took of a processor.
    [[nodiscard]] Clock::duration processor() const { return processor_; }

 private:
    int fd_;
    std::vector<Frame> frames_;
    std::size_t waiting_ = 0;
    std::size_t sent_ = 0;
    Clock::duration processor_{};
};

/// Probes at a rate, from sources that nobody may ban.
class Quiet {
 public:
    /// 0: as fast as it goes.
    Quiet(Wire& wire, double rate) : wire_(wire), batch_(rate > 0 && rate < 20'000 ? 1 : kBatch) {
        if (rate > 0) {
            interval_ = std::chrono::duration_cast<Clock::duration>(
                std::chrono::duration<double>(static_cast<double>(batch_) / rate));
        }
    }

    void run_until(Clock::time_point end) {
        for (auto now = Clock::now(); now < end; now = Clock::now()) {
            if (now >= next_) {
                send_batch();
                next_ = std::max(next_, now - kLateMost) + interval_;
            } else if (std::min(next_, end) - now > kShortest) {
                std::this_thread::sleep_until(std::min(next_, end));
            }
        }
    }
    void never() { next_ = Clock::time_point::max(); }

 private:
    void send_batch() {
        for (std::size_t i = 0; i < batch_; ++i, ++number_) {
            wire_.add(kQuiet + static_cast<std::uint32_t>(number_ % kQuietSources),
                      2000 + number_ / kQuietSources % kQuietPorts);
        }
        wire_.flush();
    }

    Wire& wire_;
    std::size_t batch_;
    Clock::duration interval_{};
    Clock::time_point next_ = Clock::now();
    std::size_t number_ = 0;
};

void print_traffic(const Wire& wire, Clock::duration time) {
    std::printf(R"("sent": %zu, "seconds": %.6f, "sending_cpu": %.6f)", wire.sent(), microseconds(time) / 1e6,
                microseconds(wire.processor()) / 1e6);
}

void rate(double packets_per_second, std::size_t seconds_in_tenths) {
    Wire wire;
    Quiet quiet(wire, packets_per_second);
    const auto begin = Clock::now();
    quiet.run_until(begin + seconds_in_tenths * 100ms);
    std::printf("{");
    print_traffic(wire, Clock::now() - begin);
    std::printf("}\n");
}

/// What was seen of one scanner, in microseconds from its tenth probe on.
struct Seen {
    Clock::time_point tenth;
    std::vector<Clock::time_point> after;
};

class Scanners {
 public:
    Scanners(std::size_t count, double packets_per_second, std::size_t tail)
        : quiet_(wire_, packets_per_second),
          tail_(tail),
          seen_(count),
          socket_(listen_in(variable("SERVER_NETNS"))),
          arrivals_(socket_.get(), kScanners, count) {
        if (packets_per_second == 0) {
            quiet_.never();
            go_first();  // it sleeps most of the time, so it is in nobody's way
        }
    }

    void run() {
        quiet_.run_until(Clock::now() + 200ms);
        for (std::size_t scanner = 0; scanner < seen_.size(); ++scanner) {
            scan(scanner);
            quiet_.run_until(Clock::now() + kBetweenScanners);
        }
        report(arrivals_.wait(1s));
    }

 private:
    void scan(std::size_t scanner) {
        Seen& seen = seen_[scanner];
        std::size_t since_ban = 0;
        for (std::size_t probe = 1; !is_over(probe, since_ban); ++probe) {
            const auto now = Clock::now();
            wire_.add(kScanners + static_cast<std::uint32_t>(scanner), 1000 + probe);
            wire_.flush();
            if (probe == kThreshold) {
                seen.tenth = now;
            } else if (probe > kThreshold) {
                seen.after.push_back(now);
                since_ban += arrivals_.has(scanner) ? 1U : 0U;
            }
            quiet_.run_until(now + kBetweenProbes);
        }
    }

    [[nodiscard]] bool is_over(std::size_t next, std::size_t since_ban) const {
        return tail_ > 0 ? next > kThreshold + tail_
                         : since_ban >= kAfterTheBan || next > kThreshold + kTailMost;
    }

    void report(const std::vector<Clock::time_point>& told) const {
        std::printf(R"({"first": %u, "scanners": [)", kScanners);
        for (std::size_t i = 0; i < seen_.size(); ++i) {
            const bool is_told = told[i] != Clock::time_point{};
            std::printf(R"(%s{"told": %.1f, "after": [)", i == 0 ? "" : ", ",
                        is_told ? microseconds(told[i] - seen_[i].tenth) : -1);
            for (std::size_t j = 0; j < seen_[i].after.size(); ++j) {
                std::printf("%s%.1f", j == 0 ? "" : ",", microseconds(seen_[i].after[j] - seen_[i].tenth));
            }
            std::printf("]}");
        }
        std::printf("]}\n");
    }

    Wire wire_;
    Quiet quiet_;
    std::size_t tail_;
    std::vector<Seen> seen_;
    farewell::nft::Owned<mnl_socket> socket_;
    Arrivals arrivals_;
};

void storm(std::size_t count, std::size_t ordinary, std::size_t wait) {
    Wire wire;
    const farewell::nft::Owned<mnl_socket> socket(listen_in(variable("SERVER_NETNS")));
    Arrivals arrivals(socket.get(), kScanners, count + ordinary);
    std::vector<Clock::time_point> tenth(ordinary);
    std::size_t next = 0;
    const auto begin = Clock::now();
    for (std::size_t number = 0; number < count * kThreshold; ++number) {
        wire.add(kScanners + static_cast<std::uint32_t>(number % count), 1000 + number / count);
        if (next < ordinary && number >= next * count * kThreshold / ordinary) {
            for (std::size_t probe = 1; probe <= kThreshold; ++probe) {
                wire.add(kScanners + static_cast<std::uint32_t>(count + next), 1000 + probe);
            }
            tenth[next++] = Clock::now();
            wire.flush();
        }
    }
    wire.flush();
    const auto end = Clock::now();
    const auto told = arrivals.wait(wait * 1s);
    Clock::time_point last{};
    std::size_t banned = 0;
    for (std::size_t i = 0; i < count; ++i) {
        banned += told[i] != Clock::time_point{} ? 1U : 0U;
        last = std::max(last, told[i]);
    }
    std::printf("{");
    print_traffic(wire, end - begin);
    std::printf(R"(, "scanners": %zu, "told": %zu, "last_told": %.6f, "ordinary": [)", count, banned,
                banned > 0 ? microseconds(last - begin) / 1e6 : -1);
    for (std::size_t i = 0; i < ordinary; ++i) {
        const auto at = told[count + i];
        std::printf("%s%.1f", i == 0 ? "" : ", ",
                    at != Clock::time_point{} ? microseconds(at - tenth[i]) : -1);
    }
    std::printf("]}\n");
}

void sources(std::size_t first, std::size_t count, double packets_per_second) {
    Wire wire(Frame::Family::ipv6);
    const auto begin = Clock::now();
    const auto interval = std::chrono::duration<double>(kBatch / packets_per_second);
    for (std::size_t number = 0; number < count; ++number) {
        // Not one behind another: spread over the last 32 bits.
        wire.add(static_cast<std::uint32_t>(first + number) * 2'654'435'761U, 2000);
        if (number % kBatch == 0) {
            std::this_thread::sleep_until(
                begin + std::chrono::duration_cast<Clock::duration>(interval * (number / kBatch)));
        }
    }
    wire.flush();
    std::printf("{");
    print_traffic(wire, Clock::now() - begin);
    std::printf("}\n");
}

std::size_t number_of(std::string_view text) {
    std::size_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
        std::fputs("bench_generator: not a number\n", stderr);
        std::exit(2);
    }
    return number;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc > 1 ? argv[1] : "";
    std::vector<std::size_t> numbers;
    for (int i = 2; i < argc; ++i) {
        numbers.push_back(number_of(argv[i]));
    }
    if (mode == "rate" && numbers.size() == 2) {
        rate(static_cast<double>(numbers[0]), numbers[1]);
    } else if (mode == "scanners" && numbers.size() == 3 && numbers[0] <= kScannersMost) {
        Scanners(numbers[0], static_cast<double>(numbers[1]), numbers[2]).run();
    } else if (mode == "storm" && numbers.size() == 3 && numbers[0] > 0 &&
               numbers[0] + numbers[1] <= kScannersMost) {
        storm(numbers[0], numbers[1], numbers[2]);
    } else if (mode == "sources" && numbers.size() == 3 && numbers[2] > 0) {
        sources(numbers[0], numbers[1], static_cast<double>(numbers[2]));
    } else {
        return std::fputs("bench_generator: see the first lines of generator.cpp\n", stderr), 2;
    }
}

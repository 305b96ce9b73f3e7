// SPDX-License-Identifier: GPL-2.0-or-later
// Probes on a wire, and when the kernel tells of the bans that they bring about; see run.py. Prints JSON.
//   bench_prober latency FIRST SOURCES RATE     ten probes of each source, a hundred sources in turn
//   bench_prober chase FIRST SOURCES RATE       forty probes of each source, one source after another
//   bench_prober storm FIRST SOURCES 0          ten probes of each source, all in turn, as fast as it goes
// Started in the namespace of the sender; SERVER_NETNS is the path of the other one, SERVER_MAC where frames
// go. Sources are numbered from 198.19.0.0 on.
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/wire/arrivals.hpp"
#include "bench/wire/wire.hpp"
#include "nft/owned.hpp"

using namespace farewell::bench;

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kFirstSource = 0xc6130000;  // 198.19.0.0
constexpr std::size_t kSourcesMost = 65'536;
constexpr std::size_t kThreshold = 10;
constexpr std::size_t kProbesOfAChase = 40;
constexpr std::size_t kInTurn = 100;
constexpr auto kWaitForBans = 10s;  // after the last probe

struct Run {
    std::string_view mode;
    std::size_t first;
    std::size_t sources;
    double rate;  // probes a second; 0: as fast as it goes
};

/// Sends in the order of the mode; when each source's tenth probe was handed to the kernel, and the first of
/// all.
struct Sent {
    std::vector<Clock::time_point> tenth;
    Clock::time_point begin;
    Clock::time_point end;
};

class Sender {
 public:
    explicit Sender(const Run& run) : run_(run), wire_(open_wire()), frame_(variable("SERVER_MAC")) {
        sent_.tenth.resize(run.sources);
        prctl(PR_SET_TIMERSLACK, 1);
        if (run.rate > 0) {
            go_first();
        }
    }

    Sent send_all() {
        sent_.begin = next_ = Clock::now();
        const std::size_t probes = run_.mode == "chase" ? kProbesOfAChase : kThreshold;
        const std::size_t in_turn = run_.mode == "chase"     ? 1
                                    : run_.mode == "latency" ? std::min(kInTurn, run_.sources)
                                                             : run_.sources;
        for (std::size_t first = 0; first < run_.sources; first += in_turn) {
            const std::size_t last = std::min(first + in_turn, run_.sources);
            for (std::size_t probe = 1; probe <= probes; ++probe) {
                for (std::size_t source = first; source < last; ++source) {
                    send_one(source, probe);
                }
            }
        }
        sent_.end = Clock::now();
        return sent_;
    }

 private:
    void send_one(std::size_t source, std::size_t probe) {
        frame_.set(kFirstSource + static_cast<std::uint32_t>(run_.first + source),
                   static_cast<std::uint16_t>(1000 + probe));
        if (run_.rate > 0) {
            std::this_thread::sleep_until(next_);
            // From when it was sent, not from when it should have been: a late one is not made up for by a
            // burst.
            next_ = std::max(next_, Clock::now() - 1ms) +
                    std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / run_.rate));
        }
        if (probe == kThreshold) {
            sent_.tenth[source] = Clock::now();
        }
        while (send(wire_, frame_.bytes().data(), frame_.bytes().size(), 0) < 0) {
            if (errno != ENOBUFS && errno != EINTR) {
                give_up("send");
            }
        }
    }

    Run run_;
    int wire_;
    Frame frame_;
    Sent sent_;
    Clock::time_point next_;
};

double microseconds(Clock::duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

void report(const Run& run, const Sent& sent, const std::vector<Clock::time_point>& banned) {
    std::vector<double> latencies;
    Clock::time_point last{};
    for (std::size_t i = 0; i < banned.size(); ++i) {
        if (banned[i] != Clock::time_point{}) {
            latencies.push_back(microseconds(banned[i] - sent.tenth[i]));
            last = std::max(last, banned[i]);
        }
    }
    std::ranges::sort(latencies);
    const auto at = [&](double share) {
        return latencies.empty()
                   ? 0.0
                   : latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
    };
    std::printf(R"({"sources": %zu, "banned": %zu, "p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f, )"
                R"("sending_us": %.1f, "from_first_us": %.1f, "from_last_us": %.1f})"
                "\n",
                run.sources, latencies.size(), at(0.5), at(0.99), at(1), microseconds(sent.end - sent.begin),
                microseconds(last - sent.begin), microseconds(last - sent.end));
}

std::size_t number_of(std::string_view text) {
    std::size_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
        std::fputs("bench_prober: not a number\n", stderr);
        std::exit(2);
    }
    return number;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        return std::fputs("usage: bench_prober latency|chase|storm FIRST SOURCES RATE\n", stderr), 2;
    }
    const Run run{.mode = argv[1],
                  .first = number_of(argv[2]),
                  .sources = number_of(argv[3]),
                  .rate = static_cast<double>(number_of(argv[4]))};
    if (run.sources == 0 || run.first + run.sources > kSourcesMost) {
        return std::fputs("bench_prober: too many sources\n", stderr), 2;
    }
    const farewell::nft::Owned<mnl_socket> socket(listen_in(variable("SERVER_NETNS")));
    Arrivals arrivals(socket.get(), kFirstSource + static_cast<std::uint32_t>(run.first), run.sources);
    const Sent sent = Sender(run).send_all();
    report(run, sent, arrivals.wait(kWaitForBans));
    return 0;
}

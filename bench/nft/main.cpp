// SPDX-License-Identifier: GPL-2.0-or-later
// One measurement in the network namespace it is started in, which must hold nothing else; see run.py. Prints
// JSON.
//   bench_nftables commit WAY HELD SECONDS   single bans while HELD are there
//   bench_nftables packet WAY HELD SECONDS   a packet of nobody banned while HELD are there
//   bench_nftables restore HELD              all of HELD after `nft flush ruleset`
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "bench/nft/live_frames.hpp"
#include "bench/nft/way.hpp"
#include "enforce/nft_enforcer.hpp"

namespace {

using namespace farewell::bench;

constexpr std::size_t kCommitsMost = 5'000;
constexpr std::size_t kCommitsOfOthersMost = 200;  // each makes the next one dearer
constexpr std::size_t kCommitsLeast = 20;
constexpr std::size_t kCommitsBefore = 20;  // that warm caches up
constexpr std::uint32_t kPacketsAtOnce = 4'096;
constexpr std::size_t kListMost = 100'000;  // the kernel walks from the start for each datagram: quadratic

double percentile(std::vector<double> values, double share) {
    std::ranges::sort(values);
    return values.at(static_cast<std::size_t>(share * static_cast<double>(values.size() - 1)));
}

std::vector<double> microseconds(const std::vector<Timing>& timings, double Timing::* clock) {
    std::vector<double> values;
    values.reserve(timings.size());
    for (const Timing& timing : timings) {
        values.push_back(timing.*clock * 1e6);
    }
    return values;
}

double sum(const std::vector<Timing>& timings, double Timing::* clock) {
    double seconds = 0;
    for (const Timing& timing : timings) {
        seconds += timing.*clock;
    }
    return seconds;
}

void commit(Way& way, std::size_t held, double seconds, std::size_t commits_most) {
    way.build();
    way.ban(0, held);
    std::size_t number = held;
    for (std::size_t i = 0; i < kCommitsBefore; ++i) {
        way.ban(number++, 1);
    }
    way.timings().clear();
    const double end = seconds_of(CLOCK_MONOTONIC) + seconds;
    std::size_t commits = 0;
    while (commits < commits_most && (commits < kCommitsLeast || seconds_of(CLOCK_MONOTONIC) < end)) {
        way.ban(number++, 1);
        ++commits;
    }
    const auto wall = microseconds(way.timings(), &Timing::wall_seconds);
    const auto call = microseconds(way.timings(), &Timing::call_seconds);
    const auto cpu = microseconds(way.timings(), &Timing::cpu_seconds);
    std::printf(R"({"commits": %zu, "call_p50_us": %.2f, "call_p99_us": %.2f, "p50_us": %.2f, )"
                R"("p99_us": %.2f, "cpu_p50_us": %.2f, "cpu_p99_us": %.2f})"
                "\n",
                commits, percentile(call, 0.5), percentile(call, 0.99), percentile(wall, 0.5),
                percentile(wall, 0.99), percentile(cpu, 0.5), percentile(cpu, 0.99));
}

void packet(Way& way, bool is_last, std::size_t held, double seconds) {
    way.build();
    way.ban(0, held);
    if (!is_last) {
        drop_afterwards();
    }
    const LiveFrames frames;
    frames.receive(kPacketsAtOnce);
    const double begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    double taken = 0;
    std::size_t packets = 0;
    while (taken < seconds) {
        frames.receive(kPacketsAtOnce);
        packets += kPacketsAtOnce;
        taken = seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    std::printf(R"({"packets": %zu, "cpu_ns": %.1f})"
                "\n",
                packets, taken * 1e9 / static_cast<double>(packets));
}

struct Stopwatch {
    double wall = seconds_of(CLOCK_MONOTONIC);
    double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);

    [[nodiscard]] Timing read() const {
        return {.wall_seconds = seconds_of(CLOCK_MONOTONIC) - wall,
                .cpu_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu};
    }
};

void print(const char* name, const Timing& timing) {
    std::printf(R"("%s": %.6f, "%s_cpu": %.6f, )", name, timing.wall_seconds, name, timing.cpu_seconds);
}

void restore(std::size_t held) {
    std::vector<Timing> commits;
    farewell::enforce::NftEnforcer enforcer({.table = kTable}, timed_transport(commits));
    const std::vector<farewell::core::Ban> bans = bans_of(0, held);
    const auto put_all = [&] {
        if (const auto built = enforcer.build(); !built) {
            give_up("build", built.error().message);
        }
        const Stopwatch watch;
        if (const auto banned = enforcer.ban(bans, kNow); !banned) {
            give_up("ban", banned.error().message);
        }
        return watch.read();
    };
    put_all();
    const auto watch = enforcer.watch();  // as the daemon has it
    if (!watch) {
        give_up("watch", watch.error().message);
    }
    const Stopwatch flush;
    run_nft("flush ruleset");
    const Timing flushed = flush.read();
    commits.clear();

    const Stopwatch whole;
    const Timing banned = put_all();
    const Timing restored = whole.read();
    const Stopwatch look;
    if (const auto intact = enforcer.is_intact(); !intact || !*intact) {
        give_up("is_intact", "it is not");
    }
    const Timing looked = look.read();
    std::printf("{");
    if (held <= kListMost) {
        const Stopwatch list;
        const auto listed = enforcer.list();
        if (!listed || listed->size() != held) {
            give_up("list", "not all are there");
        }
        print("list", list.read());
    }
    print("flush", flushed);
    print("whole", restored);
    print("ban", banned);
    print("kernel", {.wall_seconds = sum(commits, &Timing::wall_seconds),
                     .cpu_seconds = sum(commits, &Timing::cpu_seconds)});
    print("is_intact", looked);
    std::printf(R"("transactions": %zu})"
                "\n",
                commits.size());
}

template <typename Number>
Number number_of(std::string_view text) {
    Number number{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
        give_up("arguments", "not a number");
    }
    return number;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    const auto way = argc == 5 ? make_way(argv[2]) : nullptr;
    if (what == "restore" && argc == 3) {
        restore(number_of<std::size_t>(argv[2]));
    } else if (what == "commit" && way != nullptr) {
        commit(*way, number_of<std::size_t>(argv[3]), number_of<double>(argv[4]),
               std::string_view(argv[2]) == "farewell" ? kCommitsMost : kCommitsOfOthersMost);
    } else if (what == "packet" && way != nullptr) {
        packet(*way, std::string_view(argv[2]) == "plain", number_of<std::size_t>(argv[3]),
               number_of<double>(argv[4]));
    } else {
        return std::fputs(
                   "usage: bench_nftables commit|packet WAY HELD SECONDS | bench_nftables restore HELD\n",
                   stderr),
               2;
    }
    // The kernel frees a million elements in its own time, at the cost of who is measured next, except that
    // closing the socket of this flush waits for it.
    run_nft("flush ruleset");
    return 0;
}

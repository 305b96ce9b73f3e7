// SPDX-License-Identifier: GPL-2.0-or-later
// The judgement in seeded worlds of scanners, ordinary hosts with their habits, and floods, on a clock that
// stands still and leaps. Checked against a slow and obvious model of the same criteria, and against what
// must hold in any world: no ordinary host is banned, every scanner is. A failure prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "core/detector.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::source;
using test::source6;

using Random = std::mt19937_64;

std::uint32_t below(Random& random, std::uint32_t limit) {
    return static_cast<std::uint32_t>(random() % limit);
}
std::uint16_t port_from(Random& random, std::uint32_t first, std::uint32_t count) {
    return static_cast<std::uint16_t>(first + below(random, count));
}

/// The criteria for single addresses and their networks, with maps and no thought of cost. Keys are the
/// written networks; what a network's sources are is kept in full.
class Model {
 public:
    explicit Model(const Limits& limits) : limits_(limits) {}

    /// Whether this probe must lead to a ban of its address, of a network, or to none (nullopt).
    std::optional<Prefix> on_probe(const Probe& probe, Time now) {
        if (is_ambiguous(probe.rule)) {
            auto& ports = ambiguous_[probe.source];
            ports[probe.port] = now;
            std::erase_if(ports,
                          [&](const auto& one) { return one.second < now - limits_.ambiguous_window; });
            if (ports.size() < limits_.ambiguous_threshold) {
                return std::nullopt;
            }
            ambiguous_.erase(probe.source);
            return Prefix::of(probe.source);
        }
        std::vector<std::uint8_t> lengths{full_length(probe.source.family())};
        if (probe.source.family() == Family::ipv6) {
            lengths.insert(lengths.end(), {64, 48});
        }
        std::optional<Prefix> banned;
        for (const std::uint8_t length : lengths) {
            const Prefix who = Prefix::of(probe.source, length);
            if (count(who, probe, now) && !banned) {
                banned = who;
                counted_.erase(who);
            }
        }
        return banned;
    }

 private:
    struct Known {
        std::uint32_t weight = 0;
        Time seen;
        Address source;
    };

    bool count(const Prefix& who, const Probe& probe, Time now) {
        auto& ports = counted_[who];
        std::erase_if(ports, [&](const auto& one) { return one.second.seen < now - limits_.window; });
        auto [entry, is_new] = ports.try_emplace(probe.port);
        entry->second.seen = now;
        entry->second.weight = std::max<std::uint32_t>(entry->second.weight, probe.weight());
        if (is_new) {
            entry->second.source = probe.source;
        }
        std::uint32_t points = 0;
        std::uint32_t recent = 0;
        for (const auto& [port, known] : ports) {
            points += known.weight;
            recent += known.seen >= now - limits_.burst_window ? 1U : 0U;
        }
        const std::uint32_t times = who.is_address() ? 1 : who.length == 64 ? 2 : 4;
        const std::uint32_t burst = limits_.burst * times;
        return points >= limits_.threshold * times * kOrdinaryWeight ||
               (recent >= burst && points >= burst * kOrdinaryWeight);
    }

    Limits limits_;
    std::map<Prefix, std::map<Port, Known>> counted_;
    std::map<Address, std::map<Port, Time>> ambiguous_;
};

/// Windows with odd ends, so that no event of a clock of whole seconds lies on one.
Limits odd_limits(Random& random) {
    Limits limits;
    limits.threshold = 4 + below(random, 10);
    limits.threshold_64 = 2 * limits.threshold;
    limits.threshold_48 = 4 * limits.threshold;
    limits.burst = 3 + below(random, 4);
    limits.burst_window = 2500ms;
    limits.window = std::chrono::hours(1 + below(random, 24)) + 500ms;
    limits.ambiguous_threshold = 16;
    limits.ambiguous_window = 60500ms;
    limits.memory_bytes = std::size_t{64} << 20;  // ample: this model forgets nobody
    limits.hash_key = random();
    return limits;
}

class Judgement : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Judgement, IsAsTheModelHasIt) {
    Random random(GetParam());
    const Limits limits = odd_limits(random);
    Detector detector(limits);
    Model model(limits);
    Time now{1h};
    std::size_t bans = 0;
    constexpr Rule kRulesSent[]{Rule::syn, Rule::syn, Rule::udp, Rule::ack, Rule::late_reply};
    for (int step = 0; step < 20'000; ++step) {
        // It stands still, goes on, and sometimes leaps.
        now +=
            std::chrono::seconds(below(random, 3) + (below(random, 400) == 0 ? below(random, 100'000) : 0));
        Probe probe;
        const std::uint32_t who = below(random, 40);
        probe.source = who < 20 ? source(who) : source6(static_cast<std::uint16_t>(who % 2), 1);
        probe.rule = kRulesSent[below(random, 5)];
        probe.tool = below(random, 3) == 0 ? Tool::nmap : Tool::none;
        probe.port = {.protocol = probe.rule == Rule::udp ? std::uint8_t{17} : std::uint8_t{6},
                      .number = port_from(random, 1, who % 5 == 0 ? 1000 : 6)};
        const std::optional<Prefix> expected = model.on_probe(probe, now);
        std::optional<Prefix> decided;
        for (const Detector::Candidate& candidate : detector.on_probe(probe, now).candidates) {
            // One address a /64 and two /64s: networks never have the sources they need.
            const auto decision = detector.conclude(candidate, probe, now);
            if (decision && !decided) {
                decided = decision->source;
            }
        }
        const bool is_of_network = expected && !expected->is_address();
        ASSERT_EQ(decided, is_of_network ? std::nullopt : expected)
            << "step " << step << ", seed " << GetParam();
        bans += decided ? 1U : 0U;
    }
    EXPECT_GT(bans, 20U) << "seed " << GetParam();
}

/// A source of probes with a habit: what it sends next, and when.
struct Habit {
    Probe probe;
    Time next;
    bool is_scanner = false;
    std::chrono::nanoseconds pace{1s};
    Probe (*send)(Random&, Probe) = nullptr;
};

Habit ordinary(Random& random, std::uint32_t number) {
    Habit habit;
    habit.probe.source = number % 3 == 0
                             ? source6(static_cast<std::uint16_t>(number), port_from(random, 1, 9))
                             : source(number);
    habit.probe.tool = Tool::none;
    habit.pace = std::chrono::milliseconds(200 + below(random, 600'000));
    switch (number % 5) {
        case 0:  // a client that retries its one port, or two
            habit.send = [](Random& by, Probe probe) {
                probe.port = {.protocol = 6, .number = static_cast<std::uint16_t>(8080 + below(by, 2))};
                return probe;
            };
            break;
        case 1:  // a resolver whose answers come late
            habit.pace = 5s;
            habit.send = [](Random& by, Probe probe) {
                probe.rule = Rule::late_reply;
                probe.port = {.protocol = 17, .number = port_from(by, 32768, 28000)};
                return probe;
            };
            break;
        case 2:  // a monitor whose eight services restart
            habit.pace = 20s;
            habit.send = [](Random& by, Probe probe) {
                probe.rule = Rule::service_away;
                probe.port = {.protocol = 6, .number = port_from(by, 8000, 8)};
                return probe;
            };
            break;
        case 3:  // a peer of a program that has ended: two or three ephemeral ports
            habit.send = [](Random& by, Probe probe) {
                probe.rule = Rule::udp_data;
                probe.port = {.protocol = 17, .number = port_from(by, 45000, 3)};
                return probe;
            };
            break;
        default:  // the tails of connections, one every few seconds
            habit.pace = std::max<std::chrono::nanoseconds>(habit.pace, 3s);
            habit.send = [](Random& by, Probe probe) {
                probe.rule = below(by, 4) == 0 ? Rule::ack : Rule::stray;
                probe.port = {
                    .protocol = 6,
                    .number = probe.rule == Rule::ack ? port_from(by, 1000, 4) : port_from(by, 32768, 28000)};
                return probe;
            };
            break;
    }
    return habit;
}

Habit scanner(Random& random, std::uint32_t number) {
    Habit habit;
    habit.is_scanner = true;
    // Each in a /48 of its own: whoever shares one with many scanners is banned with it.
    habit.probe.source =
        number % 2 == 0 ? source(1'000'000 + number) : test::network6((number + 1) << 16U, 128).address;
    habit.probe.tool = number % 3 == 0 ? Tool::none : Tool::nmap;
    // From T5 to T0's five minutes and beyond.
    constexpr std::chrono::milliseconds kPaces[]{1ms, 100ms, 1s, 15s, 300s, 2h};
    habit.pace = kPaces[below(random, 6)];
    habit.send = [](Random& by, Probe probe) {
        probe.rule = below(by, 2) == 0 ? Rule::syn : Rule::udp;
        probe.port = {.protocol = probe.rule == Rule::udp ? std::uint8_t{17} : std::uint8_t{6},
                      .number = port_from(by, 1, 20'000)};
        return probe;
    };
    return habit;
}

TEST_P(Judgement, NoOrdinaryHostIsBannedAndEveryScannerIs) {
    Random random(GetParam() * 7919);
    Limits limits;
    limits.hash_key = random();
    limits.memory_bytes = std::size_t{8} << 20;
    Detector detector(limits);
    std::vector<Habit> hosts;
    for (std::uint32_t number = 0; number < 60; ++number) {
        hosts.push_back(ordinary(random, number));
    }
    for (std::uint32_t number = 0; number < 20; ++number) {
        hosts.push_back(scanner(random, number));
    }
    std::set<std::size_t> banned;
    Time now{1h};
    const Time end = now + 26h;
    using Entry = std::pair<Time, std::size_t>;
    std::set<Entry> schedule;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        schedule.emplace(now + std::chrono::milliseconds(below(random, 60'000)), i);
    }
    std::size_t steps = 0;
    while (!schedule.empty() && schedule.begin()->first < end && steps < 2'000'000) {
        const auto [when, index] = *schedule.begin();
        schedule.erase(schedule.begin());
        now = when;
        Habit& host = hosts[index];
        const Probe probe = host.send(random, host.probe);
        bool is_banned = false;
        for (const Detector::Candidate& candidate : detector.on_probe(probe, now).candidates) {
            is_banned = detector.conclude(candidate, probe, now).has_value() || is_banned;
        }
        ASSERT_TRUE(!is_banned || host.is_scanner)
            << "ordinary host " << index << ", habit " << index % 5 << ", seed " << GetParam();
        if (is_banned) {
            banned.insert(index);
        } else {
            schedule.emplace(now + host.pace + std::chrono::milliseconds(below(random, 50)), index);
        }
        if (++steps % 1024 == 0) {
            detector.forget_expired(now);
        }
    }
    EXPECT_EQ(banned.size(), 20U) << "seed " << GetParam() << ", " << steps << " steps until "
                                  << std::chrono::duration_cast<std::chrono::minutes>(now.time_since_epoch());
}

INSTANTIATE_TEST_SUITE_P(Seeds, Judgement, testing::Range<std::uint64_t>(1, 13));

/// nmap's own timing (its manual, "Timing and performance"): T0 waits five minutes between probes, T1 fifteen
/// seconds. A window of a day sees them.
TEST(PatientScanners, ParanoidAndSneakyAreBannedOnTheSimulatedClock) {
    for (const auto pace : {std::chrono::seconds(300), std::chrono::seconds(15)}) {
        for (const Tool tool : {Tool::nmap, Tool::none}) {
            Detector detector({});
            Probe probe = test::probe(source(1), 0);
            probe.tool = tool;
            Time now{1h};
            std::size_t probes = 0;
            bool is_banned = false;
            while (!is_banned && probes < 100) {
                probe.port.number = static_cast<std::uint16_t>(1000 + probes++);
                const auto candidates = detector.on_probe(probe, now).candidates;
                is_banned = !candidates.empty() && detector.conclude(candidates[0], probe, now).has_value();
                now += pace;
            }
            EXPECT_EQ(probes, tool == Tool::nmap ? 5U : 10U);
        }
    }
}

TEST(PatientScanners, OneThatStopsAtNineAndReturnsTheNextDayIsBannedOnlyWithinTheWindow) {
    Detector detector({});
    const auto try_ports = [&](std::uint16_t first, std::uint16_t count, Time begin) {
        std::size_t decided = 0;
        for (std::uint16_t i = 0; i < count; ++i) {
            const Probe probe = test::probe(source(1), static_cast<std::uint16_t>(first + i));
            decided += detector.on_probe(probe, begin + i * 1min).candidates.size();
        }
        return decided;
    };
    EXPECT_EQ(try_ports(100, 9, Time{1h}), 0U);
    EXPECT_EQ(try_ports(200, 9, Time{26h}), 0U) << "a day later all is forgotten";
    EXPECT_EQ(try_ports(300, 1, Time{40h}), 1U) << "within a day it is not";
}

}  // namespace
}  // namespace farewell::core

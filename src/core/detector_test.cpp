// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/detector.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <vector>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::probe;
using test::source;
using test::source6;

/// The decision that a probe leads to, if any.
std::optional<Decision> judge(Detector& detector, const Probe& probe, Time now) {
    for (const Detector::Candidate& candidate : detector.on_probe(probe, now).candidates) {
        if (auto decision = detector.conclude(candidate, probe, now)) {
            return decision;
        }
    }
    return std::nullopt;
}

/// Ports from `first` on, one each `pace`, until there is a decision; at most `most`.
std::optional<Decision> scan(Detector& detector, Probe probe, std::uint16_t first, std::uint16_t most,
                             std::chrono::nanoseconds pace, Time begin = at(1h)) {
    for (std::uint16_t i = 0; i < most; ++i) {
        probe.port.number = static_cast<std::uint16_t>(first + i);
        if (auto decision = judge(detector, probe, begin + i * pace)) {
            return decision;
        }
    }
    return std::nullopt;
}

TEST(Detector, AnOrdinaryStackNeedsTenSlowlyAndFiveAtOnce) {
    Detector detector({});
    const auto slow = scan(detector, probe(source(1), 0), 100, 20, 1min);
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->evidence.criterion, Criterion::patient);
    EXPECT_EQ(slow->evidence.distinct, 10U);
    EXPECT_EQ(slow->source, Prefix::of(source(1)));
    EXPECT_FALSE(slow->soft);
    const auto fast = scan(detector, probe(source(2), 0), 100, 20, 100ms);
    ASSERT_TRUE(fast);
    EXPECT_EQ(fast->evidence.criterion, Criterion::burst);
    EXPECT_EQ(fast->evidence.distinct, 5U);
    EXPECT_EQ(fast->evidence.ports.front().port.number, 100);
    EXPECT_EQ(fast->evidence.ports.front().rule, Rule::syn);
}

TEST(Detector, ARawStackNeedsFiveAtAnyPace) {
    Detector detector({});
    Probe raw = probe(source(1), 0);
    raw.tool = Tool::nmap;
    raw.ttl = 41;
    raw.tcp_window = 1024;
    raw.tcp_options = 4;
    const auto decision = scan(detector, raw, 100, 20, 5min);
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision->evidence.distinct, 5U);
    EXPECT_EQ(decision->evidence.tools, bit_of(Tool::nmap));
    EXPECT_EQ(decision->evidence.ttl, 41);
    EXPECT_EQ(decision->evidence.tcp, (TcpStack{.window = 1024, .option_bytes = 4}));
    EXPECT_EQ(decision->evidence.weight, 10U * kOrdinaryWeight);
    EXPECT_FALSE(decision->evidence.is_proven) << "nobody has seen a handshake: it could be forged";
}

TEST(Detector, AHandshakeProvesTheSource) {
    Detector detector({});
    Probe first = probe(source(1), 99);
    first.is_proven = true;
    EXPECT_FALSE(judge(detector, first, at(1h)));
    const auto decision = scan(detector, probe(source(1), 0), 100, 20, 100ms);
    ASSERT_TRUE(decision);
    EXPECT_TRUE(decision->evidence.is_proven);
}

TEST(Detector, HalfWeightsNeedTwiceAsMany) {
    Detector detector({});
    Probe ack = probe(source(1), 0);
    ack.rule = Rule::ack;
    const auto slow = scan(detector, ack, 100, 40, 1s);
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->evidence.distinct, 20U);
    EXPECT_EQ(slow->evidence.criterion, Criterion::patient);
    ack.source = source(2);
    const auto fast = scan(detector, ack, 100, 40, 10ms);
    ASSERT_TRUE(fast);
    EXPECT_EQ(fast->evidence.distinct, 10U);
    EXPECT_EQ(fast->evidence.criterion, Criterion::burst);
}

TEST(Detector, PortsOutsideTheWindowAreForgotten) {
    Detector detector({});
    EXPECT_FALSE(scan(detector, probe(source(1), 0), 100, 9, 1s, at(1h)));
    EXPECT_FALSE(scan(detector, probe(source(1), 0), 200, 9, 1min, at(26h)));
    EXPECT_TRUE(judge(detector, probe(source(1), 300), at(26h + 30min)));
}

TEST(Detector, OnePortManyTimesIsOnePort) {
    Detector detector({});
    for (int i = 0; i < 1000; ++i) {
        const auto judgement = detector.on_probe(probe(source(1), 8080), at(1h + i * 1ms));
        EXPECT_TRUE(judgement.candidates.empty());
        EXPECT_EQ(judgement.is_repeated, i > 0);
    }
}

TEST(Detector, AnSshBruteForceOnOneClosedPortIsNoScanAndAServiceAwayIsNone) {
    Detector detector({});
    Probe away = probe(source(1), 0);
    away.rule = Rule::service_away;
    EXPECT_FALSE(scan(detector, away, 100, 8, 10ms)) << "a monitor that checks eight services";
    EXPECT_FALSE(scan(detector, probe(source(1), 0), 300, 4, 10ms)) << "the former do not add to these";
}

TEST(Detector, VeryMuchThatIsAmbiguousBansSoftly) {
    Detector detector({});
    Probe late = probe(source(1), 0, 17);
    late.rule = Rule::late_reply;
    EXPECT_FALSE(scan(detector, late, 40000, 300, 1s)) << "sixty within a minute";
    late.source = source(2);
    const auto decision = scan(detector, late, 40000, 300, 500ms);
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision->evidence.criterion, Criterion::ambiguous);
    EXPECT_TRUE(decision->soft);
}

TEST(Detector, AThousandAddressesOfOneSubnetAreOneScanner) {
    Detector detector({});
    Time now = at(1h);
    std::optional<Decision> decision;
    std::uint16_t probes = 0;
    while (!decision && probes < 1000) {
        decision = judge(detector, probe(source6(7, probes), static_cast<std::uint16_t>(1000 + probes)), now);
        now += 30s;
        ++probes;
    }
    ASSERT_TRUE(decision);
    EXPECT_EQ(probes, 20);
    EXPECT_EQ(decision->source, Prefix::of(source6(7, 0), 64));
    EXPECT_GE(decision->evidence.sources_at_least, Limits::kNetworkSourcesMin);
    EXPECT_FALSE(decision->evidence.ports.front().rule);
    ASSERT_EQ(decision->evidence.wider.size(), 1U) << "why no wider";
    EXPECT_EQ(decision->evidence.wider[0].network, Prefix::of(source6(7, 0), 48));
    EXPECT_LT(decision->evidence.wider[0].weight, 40U * kOrdinaryWeight);
}

TEST(Detector, AScanFromEverySubnetOfASiteIsTheSites) {
    Detector detector({});
    std::optional<Decision> decision;
    std::uint16_t probes = 0;
    while (!decision && probes < 1000) {
        decision = judge(detector, probe(source6(probes, 1), static_cast<std::uint16_t>(1000 + probes)),
                         at(1h + probes * 30s));
        ++probes;
    }
    ASSERT_TRUE(decision);
    EXPECT_EQ(probes, 40);
    EXPECT_EQ(decision->source, Prefix::of(source6(0, 0), 48));
}

TEST(Detector, OneAddressDoesNotMakeItsNetworkAScanner) {
    Detector detector({});
    for (int day = 0; day < 3; ++day) {
        const auto first = static_cast<std::uint16_t>(1000 + 10 * day);
        const auto decision = scan(detector, probe(source6(7, 1), 0), first, 20, 1min, at(1h + day * 6h));
        ASSERT_TRUE(decision);
        EXPECT_EQ(decision->source, Prefix::of(source6(7, 1))) << "thirty ports of the /64, one address";
    }
}

TEST(Detector, ManyAddressesOnOnePortAreNoScan) {
    Detector detector({});
    for (std::uint16_t host = 0; host < 1000; ++host) {
        EXPECT_FALSE(judge(detector, probe(source6(7, host), 443), at(1h + host * 1s)));
    }
}

TEST(Detector, ASweepIsOnePortOfManyHosts) {
    Detector detector({});
    Probe forwarded = probe(source(1), 22);
    forwarded.is_forwarded = true;
    std::optional<Decision> decision;
    std::uint32_t hosts = 0;
    while (!decision && hosts < 1000) {
        forwarded.destination = source(5000 + hosts++);
        decision = judge(detector, forwarded, at(1h + hosts * 10s));
    }
    ASSERT_TRUE(decision);
    EXPECT_EQ(hosts, 32U);
    EXPECT_EQ(decision->evidence.criterion, Criterion::sweep);
    ASSERT_EQ(decision->evidence.ports.size(), 1U);
    EXPECT_EQ(decision->evidence.ports[0].port.number, 22);
    EXPECT_EQ(decision->evidence.distinct, 32U);
}

TEST(Detector, EachHostBehindUsIsCountedForItself) {
    Detector detector({});
    Probe forwarded = probe(source(1), 0);
    forwarded.is_forwarded = true;
    for (std::uint16_t i = 0; i < 27; ++i) {
        forwarded.destination = source(static_cast<std::uint32_t>(5000 + i % 3));
        forwarded.port.number = static_cast<std::uint16_t>(100 + i);
        EXPECT_FALSE(judge(detector, forwarded, at(1h + i * 1min))) << "nine of each of three";
    }
    forwarded.port.number = 200;
    EXPECT_TRUE(judge(detector, forwarded, at(2h)));
}

TEST(Detector, DecoysAreRecognisedAndTreatedAsConfigured) {
    for (const auto treatment : {DecoyTreatment::soft, DecoyTreatment::ban, DecoyTreatment::observe}) {
        Limits limits;
        limits.decoys = treatment;
        Detector detector(limits);
        std::vector<Decision> decisions;
        Time now = at(1h);
        for (const std::uint16_t port : std::initializer_list<std::uint16_t>{21, 443, 25, 110, 993}) {
            for (std::uint32_t number = 1; number <= 3; ++number) {
                Probe raw = probe(source(number), port);
                raw.tool = Tool::nmap;
                if (auto decision = judge(detector, raw, now += 1ms)) {
                    decisions.push_back(std::move(*decision));
                }
            }
        }
        EXPECT_EQ(detector.decoys_recognised(), 3U);
        EXPECT_EQ(decisions.size(), 3U);
        for (const Decision& decision : decisions) {
            EXPECT_EQ(decision.spared, treatment == DecoyTreatment::observe);
            EXPECT_EQ(decision.soft, treatment == DecoyTreatment::soft);
            EXPECT_EQ(decision.evidence.companions.size(), 2U);
        }
    }
}

TEST(Detector, ReportsWhatIsMissing) {
    Detector detector({});
    EXPECT_FALSE(scan(detector, probe(source6(1, 1), 0), 100, 3, 1min));
    Probe late = probe(source6(1, 1), 50000, 17);
    late.rule = Rule::late_reply;
    EXPECT_FALSE(judge(detector, late, at(1h + 3min)));
    const Evidence known = detector.report(source6(1, 1), at(1h + 3min));
    EXPECT_EQ(known.weight, 3U * kOrdinaryWeight);
    ASSERT_EQ(known.ports.size(), 4U);
    EXPECT_EQ(known.ports.back().rule, Rule::late_reply);
    ASSERT_EQ(known.wider.size(), 2U);
    EXPECT_EQ(known.wider[0].weight, 3U * kOrdinaryWeight);
    detector.forget(source6(1, 1), at(1h + 3min));
    EXPECT_TRUE(detector.report(source6(1, 1), at(1h + 3min)).ports.empty());
}

TEST(Detector, PlainIsTenDistinctPortsOfAnyKind) {
    Limits limits;
    limits.rule = DetectionRule::plain;
    Detector detector(limits);
    Probe any = probe(source6(1, 1), 0);
    any.tool = Tool::nmap;
    const auto fast = scan(detector, any, 100, 20, 1ms);
    ASSERT_TRUE(fast);
    EXPECT_EQ(fast->evidence.distinct, 10U);
    EXPECT_EQ(fast->evidence.criterion, Criterion::plain);
    EXPECT_TRUE(fast->evidence.wider.empty());
}

TEST(Detector, EvidenceIsBounded) {
    Limits limits;
    limits.rule = DetectionRule::plain;
    limits.threshold = 500;
    limits.evidence_ports_max = 64;
    Detector detector(limits);
    const auto decision = scan(detector, probe(source(1), 0), 1000, 600, 1ms);
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision->evidence.distinct, 500U);
    EXPECT_EQ(decision->evidence.ports.size(), 64U);
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/decide.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using test::probe;
using test::source;

SourceTable::Seen seen(std::uint32_t distinct, std::uint32_t points, std::uint32_t recent = 0) {
    return {.tracked = true,
            .is_new = true,
            .distinct = distinct,
            .weight = points * kOrdinaryWeight,
            .recent = recent};
}

Limits plain() {
    Limits limits;
    limits.rule = DetectionRule::plain;
    return limits;
}

TEST(Observations, AnIpv4AddressIsOneSubject) {
    const Observations all = observations_of(probe(source(1), 80), {});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].subject.who, Prefix::of(source(1)));
    EXPECT_EQ(all[0].subject.counted, Counted::ports);
    EXPECT_EQ(all[0].subject.host, 0U);
    EXPECT_EQ(all[0].item.what, 6U << 16U | 80U);
    EXPECT_EQ(all[0].item.weight, kOrdinaryWeight);
}

TEST(Observations, AnIpv4NetworkIsCountedWhereThatIsWanted) {
    Limits limits;
    limits.threshold_24 = 30;
    const Observations all = observations_of(probe(source(1), 80), limits);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[1].subject.who, Prefix::of(source(0), 24));
}

TEST(Observations, AnIpv6AddressStandsForItsNetworksToo) {
    const Observations all = observations_of(probe(test::source6(1, 2), 80), {});
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].subject.who, Prefix::of(test::source6(1, 2)));
    EXPECT_EQ(all[1].subject.who, Prefix::of(test::source6(1, 2), 64));
    EXPECT_EQ(all[2].subject.who, Prefix::of(test::source6(1, 2), 48));
    Limits limits;
    limits.threshold_48 = 0;
    EXPECT_EQ(observations_of(probe(test::source6(1, 2), 80), limits).size(), 2U);
}

TEST(Observations, ANetworksItemsTellItsSourcesApart) {
    std::set<unsigned> of_subnet;
    std::set<unsigned> of_site;
    for (std::uint16_t host = 0; host < 64; ++host) {
        const Observations all = observations_of(probe(test::source6(1, host), 80), {});
        of_subnet.insert(all[1].item.kind);
        of_site.insert(all[2].item.kind);
    }
    EXPECT_GT(of_subnet.size(), 8U);
    EXPECT_EQ(of_site.size(), 1U) << "all are of one /64";
}

TEST(Observations, HostsBehindUsAreScannedEachForItself) {
    Probe one = probe(source(1), 80);
    one.is_forwarded = true;
    one.destination = source(100);
    Probe other = one;
    other.destination = source(101);
    const Observations first = observations_of(one, {});
    const Observations second = observations_of(other, {});
    ASSERT_EQ(first.size(), 2U);
    EXPECT_NE(first[0].subject.host, second[0].subject.host);
    EXPECT_EQ(first[1].subject, second[1].subject) << "the sweep is one";
    EXPECT_EQ(first[1].subject.counted, Counted::hosts);
    EXPECT_NE(first[1].item.what, second[1].item.what);
    Limits limits;
    limits.sweep_threshold = 0;
    EXPECT_EQ(observations_of(one, limits).size(), 1U);
    one.rule = Rule::udp;
    EXPECT_EQ(observations_of(one, {}).size(), 1U) << "a peer-to-peer program asks many";
}

TEST(Observations, WhatIsAmbiguousIsCountedApart) {
    Probe late = probe(source(1), 40000, 17);
    late.rule = Rule::late_reply;
    const Observations all = observations_of(late, {});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].subject.counted, Counted::ambiguous);
    EXPECT_EQ(all[0].item.weight, 0);
    EXPECT_EQ(observations_of(late, plain())[0].subject.counted, Counted::ports) << "plain knows no doubt";
}

TEST(Observations, PlainCountsAddressesAlone) {
    Limits limits = plain();
    EXPECT_EQ(observations_of(probe(test::source6(1, 2), 80), limits).size(), 1U);
}

TEST(CriterionMet, PatientAtTheThresholdsPoints) {
    const Subject subject{.who = Prefix::of(source(1))};
    EXPECT_EQ(criterion_met(subject, seen(9, 9), {}), std::nullopt);
    EXPECT_EQ(criterion_met(subject, seen(10, 10), {}), Criterion::patient);
    EXPECT_EQ(criterion_met(subject, seen(5, 10), {}), Criterion::patient) << "a raw stack's five";
    EXPECT_EQ(criterion_met(subject, seen(20, 9), {}), std::nullopt);
}

TEST(CriterionMet, BurstAtAHandful) {
    const Subject subject{.who = Prefix::of(source(1))};
    EXPECT_EQ(criterion_met(subject, seen(4, 4, 4), {}), std::nullopt);
    EXPECT_EQ(criterion_met(subject, seen(5, 5, 5), {}), Criterion::burst);
    EXPECT_EQ(criterion_met(subject, seen(9, 4, 9), {}), std::nullopt) << "doubtful ones weigh half";
    Limits limits;
    limits.burst = 0;
    EXPECT_EQ(criterion_met(subject, seen(9, 9, 9), limits), std::nullopt);
}

TEST(CriterionMet, NetworksNeedMore) {
    const Subject subnet{.who = Prefix::of(test::source6(1, 1), 64)};
    const Subject site{.who = Prefix::of(test::source6(1, 1), 48)};
    EXPECT_EQ(criterion_met(subnet, seen(19, 19, 9), {}), std::nullopt);
    EXPECT_EQ(criterion_met(subnet, seen(20, 20, 0), {}), Criterion::patient);
    EXPECT_EQ(criterion_met(subnet, seen(10, 10, 10), {}), Criterion::burst);
    EXPECT_EQ(criterion_met(site, seen(39, 39, 19), {}), std::nullopt);
    EXPECT_EQ(criterion_met(site, seen(40, 40, 0), {}), Criterion::patient);
    EXPECT_EQ(criterion_met(site, seen(20, 20, 20), {}), Criterion::burst);
}

TEST(CriterionMet, Sweep) {
    const Subject subject{.who = Prefix::of(source(1)), .host = 6U << 16U | 22U, .counted = Counted::hosts};
    EXPECT_EQ(criterion_met(subject, seen(31, 31, 31), {}), std::nullopt) << "no burst of hosts";
    EXPECT_EQ(criterion_met(subject, seen(32, 32), {}), Criterion::sweep);
}

TEST(CriterionMet, Ambiguous) {
    const Subject subject{.who = Prefix::of(source(1)), .host = 0, .counted = Counted::ambiguous};
    EXPECT_EQ(criterion_met(subject, seen(63, 0, 63), {}), std::nullopt);
    EXPECT_EQ(criterion_met(subject, seen(64, 0, 64), {}), Criterion::ambiguous);
    Limits limits;
    limits.ambiguous_threshold = 0;
    EXPECT_EQ(criterion_met(subject, seen(64, 0, 64), limits), std::nullopt);
}

TEST(CriterionMet, PlainCountsPortsAndNothingElse) {
    const Subject subject{.who = Prefix::of(source(1))};
    EXPECT_EQ(criterion_met(subject, seen(9, 40, 9), plain()), std::nullopt);
    EXPECT_EQ(criterion_met(subject, seen(10, 0, 0), plain()), Criterion::plain);
}

TEST(ThresholdOf, EveryLength) {
    Limits limits;
    limits.threshold_24 = 25;
    EXPECT_EQ(threshold_of(Prefix::of(source(1)), limits), limits.threshold);
    EXPECT_EQ(threshold_of(Prefix::of(source(1), 24), limits), 25U);
    EXPECT_EQ(threshold_of(Prefix::of(source(1), 16), limits), 0U);
    EXPECT_EQ(threshold_of(Prefix::of(test::source6(1, 1)), limits), limits.threshold);
    EXPECT_EQ(threshold_of(Prefix::of(test::source6(1, 1), 64), limits), limits.threshold_64);
    EXPECT_EQ(threshold_of(Prefix::of(test::source6(1, 1), 48), limits), limits.threshold_48);
    EXPECT_EQ(threshold_of(Prefix::of(test::source6(1, 1), 56), limits), 0U);
}

TEST(SourcesAmong, CountsTags) {
    std::vector<Tried> tried;
    EXPECT_EQ(sources_among(tried), 0U);
    for (const std::uint8_t kind : std::initializer_list<std::uint8_t>{3, 3, 15, 0}) {
        tried.push_back({.item = {.what = 1, .kind = kind, .weight = 4}, .seen = {}});
    }
    EXPECT_EQ(sources_among(tried), 3U);
}

TEST(Criterion, HaveNames) {
    std::set<std::string> names;
    for (const auto criterion :
         {Criterion::plain, Criterion::patient, Criterion::burst, Criterion::sweep, Criterion::ambiguous}) {
        names.emplace(name_of(criterion));
    }
    EXPECT_EQ(names.size(), 5U);
}

}  // namespace
}  // namespace farewell::core

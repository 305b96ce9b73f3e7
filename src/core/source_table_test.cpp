// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/source_table.hpp"

#include <gtest/gtest.h>

#include "core/port_set.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::probe;
using test::source;

TEST(PortSet, CountsEachPortOnceHoweverManyThereAre) {
    PortSet ports;
    for (int round = 0; round < 2; ++round) {
        for (std::uint32_t number = 0; number < 65535; ++number) {
            const Port port{.protocol = 6, .number = static_cast<std::uint16_t>(number)};
            EXPECT_EQ(ports.insert(port, ProbeKind::syn, at(1s)), round == 0);
        }
    }
    EXPECT_EQ(ports.size(), 65535U);
    EXPECT_TRUE(ports.insert({.protocol = 17, .number = 5}, ProbeKind::udp, at(1s)));
}

TEST(PortSet, ForgetsByLastProbeAndKeepsTheOrder) {
    PortSet ports;
    for (std::uint16_t number = 0; number < 100; ++number) {
        ports.insert({.protocol = 6, .number = number}, ProbeKind::syn, at(number * 1s));
    }
    ports.insert({.protocol = 6, .number = 3}, ProbeKind::syn, at(200s));
    ports.forget_before(at(50s));
    ASSERT_EQ(ports.size(), 51U);
    EXPECT_EQ(ports.ports().front().port.number, 3);
    EXPECT_EQ(ports.ports().front().first_seen, at(3s));
    EXPECT_EQ(ports.ports().back().port.number, 99);
    // The index has followed: known ports are still known.
    EXPECT_FALSE(ports.insert({.protocol = 6, .number = 99}, ProbeKind::syn, at(201s)));
    EXPECT_TRUE(ports.insert({.protocol = 6, .number = 10}, ProbeKind::syn, at(201s)));
}

TEST(SourceTable, NeverExceedsItsBudgetAndForgetsTheLongestUnseen) {
    constexpr std::size_t kBudget = 64 << 10;
    SourceTable table(kBudget, 24h);
    for (std::uint32_t number = 0; number < 5000; ++number) {
        table.on_probe(probe(source(number), 80), at(number * 1ms));
        table.on_probe(probe(source(0), 80), at(number * 1ms));  // seen all the time
        ASSERT_LE(table.memory_used(), kBudget);
    }
    EXPECT_GT(table.evicted(), 4000U);
    EXPECT_NE(table.find(source(0)), nullptr);
    EXPECT_NE(table.find(source(4999)), nullptr);
    EXPECT_EQ(table.find(source(1)), nullptr);
    EXPECT_EQ(table.size() + table.evicted(), 5000U);
}

TEST(SourceTable, OneSourceAloneStaysWithinTheBudget) {
    constexpr std::size_t kBudget = 16 << 10;
    SourceTable table(kBudget, 24h);
    for (std::uint32_t number = 0; number < 65536; ++number) {
        table.on_probe(probe(source(1), static_cast<std::uint16_t>(number)), at(1s));
        ASSERT_LE(table.memory_used(), kBudget);
    }
}

TEST(SourceTable, ForgetsWholeSourcesAfterTheWindow) {
    SourceTable table(1 << 20, 60s);
    table.on_probe(probe(source(1), 1), at(0s));
    table.on_probe(probe(source(2), 1), at(30s));
    table.forget_expired(at(61s));
    EXPECT_EQ(table.find(source(1)), nullptr);
    EXPECT_NE(table.find(source(2)), nullptr);
    table.forget_expired(at(91s));
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(table.memory_used(), 0U);
}

TEST(SourceTable, TakeGivesTheEvidenceAndForgets) {
    SourceTable table(1 << 20, 60s);
    table.on_probe(probe(source(1), 21), at(1s));
    table.on_probe(probe(source(1), 22), at(2s));
    const auto ports = table.take(source(1));
    ASSERT_EQ(ports.size(), 2U);
    EXPECT_EQ(ports[1].port.number, 22);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(table.memory_used(), 0U);
    EXPECT_TRUE(table.take(source(1)).empty());
}

TEST(SourceTable, ASmallerBudgetEvictsAtOnce) {
    SourceTable table(1 << 20, 24h);
    for (std::uint32_t number = 0; number < 2000; ++number) {
        table.on_probe(probe(source(number), 80), at(number * 1ms));
    }
    table.reconfigure(64 << 10, 24h);
    EXPECT_LE(table.memory_used(), std::size_t{64} << 10);
    EXPECT_NE(table.find(source(1999)), nullptr);
}

}  // namespace
}  // namespace farewell::core

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/company.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <initializer_list>
#include <ranges>
#include <vector>

#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::source;

constexpr std::array<std::uint16_t, 5> kPorts{21, 443, 25, 110, 993};

constexpr Port tcp(std::uint16_t number) {
    return {.protocol = 6, .number = number};
}

/// Each port once from every source, a few milliseconds apart, as nmap -D sends them. Returns the time after.
Time scan_together(Company& company, std::initializer_list<std::uint32_t> sources,
                   std::initializer_list<std::uint16_t> ports, Time begin = at(1h)) {
    for (const std::uint16_t port : ports) {
        for (const std::uint32_t number : sources) {
            company.remember(source(number), tcp(port), begin);
            begin += 2ms;
        }
    }
    return begin;
}

TEST(Company, DecoysAreFoundFromWhicheverOfThemIsFirst) {
    Company company;
    const Time now = scan_together(company, {1, 2, 3}, {21, 443, 25, 110, 993});
    EXPECT_EQ(company.companions(source(1), now), (std::vector{source(2), source(3)}));
    EXPECT_EQ(company.companions(source(3), now), (std::vector{source(1), source(2)}));
}

TEST(Company, TheLastTwinMayStillBeOnItsWay) {
    Company company;
    Time now = scan_together(company, {1, 2}, {21, 443, 25, 110});
    company.remember(source(1), tcp(993), now);
    EXPECT_EQ(company.companions(source(1), now), std::vector{source(2)});
    company.remember(source(1), tcp(995), now += 2ms);
    EXPECT_TRUE(company.companions(source(1), now).empty()) << "two behind is another's scan";
}

TEST(Company, TheSamePortsInAnotherOrderAreAnotherScan) {
    Company company;
    Time now = at(1h);
    for (const std::uint16_t port : kPorts) {
        company.remember(source(1), tcp(port), now += 1ms);
    }
    for (const std::uint16_t port : std::views::reverse(kPorts)) {
        company.remember(source(2), tcp(port), now += 1ms);
    }
    EXPECT_TRUE(company.companions(source(1), now).empty());
}

TEST(Company, TheSameOrderAtAnotherTimeIsAnotherScan) {
    Company company;
    Time now = scan_together(company, {1}, {21, 443, 25, 110, 993});
    now = scan_together(company, {2}, {21, 443, 25, 110, 993}, now + 2s);
    EXPECT_TRUE(company.companions(source(2), now).empty());
    EXPECT_TRUE(company.companions(source(1), now).empty());
}

TEST(Company, TwoPortsAreNoCompany) {
    Company company;
    const Time now = scan_together(company, {1, 2}, {80, 443});
    EXPECT_TRUE(company.companions(source(1), now).empty()) << "two visitors of one missing site";
}

TEST(Company, AFloodWashesItOut) {
    Company company;
    Time now = scan_together(company, {1, 2}, {21, 443, 25, 110, 993});
    for (std::uint32_t number = 0; number < Company::kRemembered; ++number) {
        company.remember(source(1000 + number), tcp(80), now);
    }
    EXPECT_TRUE(company.companions(source(1), now).empty());
    EXPECT_TRUE(company.companions(source(7), now).empty()) << "never seen";
}

}  // namespace
}  // namespace farewell::core

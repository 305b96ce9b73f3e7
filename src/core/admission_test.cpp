// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/admission.hpp"

#include <gtest/gtest.h>

#include "core/keyed_mix.hpp"
#include "scenario.hpp"

namespace farewell::core {
namespace {

using namespace std::chrono_literals;
using test::at;

constexpr std::uint64_t kKey = 99;
constexpr std::size_t kRecords = 6400;

std::uint64_t hash_of(std::uint64_t number) {
    return keyed_mix(number, 3);
}

/// New sources with `ports` ports each.
void flood(Admission& admission, std::uint64_t sources, std::uint32_t ports, Time now,
           std::uint64_t first = 1000) {
    for (std::uint64_t number = 0; number < sources; ++number) {
        for (std::uint32_t port = 0; port < ports; ++port) {
            admission.admit(hash_of(first + number), static_cast<std::uint32_t>(number * 31 + port), now);
        }
    }
}

/// With how many ports a source is admitted; 0: not with sixty.
std::uint32_t ports_needed(Admission& admission, std::uint64_t who, Time now) {
    for (std::uint32_t port = 1; port <= 60; ++port) {
        if (admission.admit(hash_of(who), port, now)) {
            return port;
        }
    }
    return 0;
}

TEST(Admission, WithoutPressureEveryoneIsAdmittedAtOnce) {
    Admission admission(1 << 20, kRecords, kKey);
    for (std::uint64_t second = 0; second < 100; ++second) {
        for (std::uint64_t one = 0; one < kRecords / 300; ++one) {
            EXPECT_TRUE(admission.admit(hash_of(second * 1000 + one), 80, at(second * 1s)));
        }
    }
    EXPECT_EQ(admission.bar(), 1U);
}

TEST(Admission, AFloodRaisesTheBarAndTheBarFallsAfterIt) {
    Admission admission(1 << 20, kRecords, kKey);
    flood(admission, 20'000, 1, at(0s));
    EXPECT_EQ(admission.bar(), 2U);
    flood(admission, 20'000, 3, at(2s), 100'000);
    EXPECT_EQ(admission.bar(), 4U);
    EXPECT_GE(ports_needed(admission, 1, at(2s)), 4U);
    EXPECT_LE(ports_needed(admission, 2, at(2s)), 6U) << "two ports in a row may look the same";
    admission.admit(hash_of(3), 1, at(4s));
    EXPECT_EQ(admission.bar(), 4U) << "the last second was bad";
    admission.admit(hash_of(3), 1, at(6s));
    EXPECT_EQ(admission.bar(), 1U) << "this one was not";
}

TEST(Admission, TryingTheSamePortAgainDoesNotClimb) {
    Admission admission(1 << 20, kRecords, kKey);
    flood(admission, 20'000, 1, at(0s));
    for (int attempt = 0; attempt < 100; ++attempt) {
        EXPECT_FALSE(admission.admit(hash_of(1), 443, at(0s)));
    }
    EXPECT_GE(ports_needed(admission, 1, at(0s)), 1U);
}

TEST(Admission, RemembersTheMostRecent) {
    Admission admission(1 << 20, kRecords, kKey);
    flood(admission, 20'000, 3, at(0s));
    const std::size_t cells = (1 << 20) / 64 * Admission::kCellsPerLine;
    ASSERT_FALSE(admission.admit(hash_of(1), 1, at(0s)));
    ASSERT_FALSE(admission.admit(hash_of(1), 2, at(0s)));
    flood(admission, cells / 4, 1, at(0s), 1'000'000);
    EXPECT_LE(ports_needed(admission, 1, at(0s)), 4U) << "a quarter of the cells later it is still known";
    for (std::uint32_t port = 1; port < admission.bar(); ++port) {
        admission.admit(hash_of(2), port, at(0s));
    }
    flood(admission, cells * 3, 1, at(0s), 9'000'000);
    EXPECT_GE(ports_needed(admission, 2, at(0s)), admission.bar()) << "it starts anew";
}

TEST(Admission, TellsForHowLongItRemembers) {
    Admission admission(1 << 20, kRecords, kKey);
    EXPECT_EQ(admission.remembers_for(at(0s)), Time::duration::max());
    flood(admission, 200'000, 1, at(0s));
    flood(admission, 200'000, 1, at(1s), 1'000'000);
    flood(admission, 1, 1, at(2s));
    const double cells = (1 << 20) / 64 * Admission::kCellsPerLine;
    const double seconds = std::chrono::duration<double>(admission.remembers_for(at(2s))).count();
    EXPECT_NEAR(seconds, 0.4 * cells / 200'000, 0.1 * seconds);
    EXPECT_EQ(admission.remembers_for(at(60s)), Time::duration::max()) << "that was a minute ago";
}

TEST(Admission, SaysWhenAFloodHasMorePortsThanItCanCount) {
    Admission admission(1 << 20, kRecords, kKey);
    flood(admission, 5'000, 40, at(0s));
    EXPECT_EQ(admission.bar(), Admission::kBarMax);
    EXPECT_EQ(admission.remembers_for(at(0s)), Time::duration::zero());
    EXPECT_EQ(ports_needed(admission, 1, at(0s)), 0U) << "those who have records keep them";
    flood(admission, 1, 1, at(2s), 5'000'000);
    EXPECT_EQ(admission.remembers_for(at(2s)), Time::duration::zero()) << "in the last second, too";
    flood(admission, 1, 1, at(4s), 5'000'001);
    EXPECT_GT(admission.remembers_for(at(4s)), 0s);
}

}  // namespace
}  // namespace farewell::core

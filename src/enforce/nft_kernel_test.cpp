// SPDX-License-Identifier: GPL-2.0-or-later
// The enforcer against the real kernel, each test in a network namespace of its own. Needs root.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "enforce/nft_enforcer.hpp"
#include "nft/forwarding_transport.hpp"
#include "scenario.hpp"

namespace farewell::enforce {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;
using test::source;

core::Address source6(std::uint8_t last) {
    std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
    bytes[15] = std::byte{last};
    return core::Address::ipv6(bytes);
}

core::Prefix alone6(std::uint8_t last) {
    return core::Prefix::of(source6(last));
}

class NftKernelTest : public testing::Test {
 protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root";
        }
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);  // every test is a process of its own under ctest
        ASSERT_TRUE(enforcer.build()) << enforcer.build().error().message;
    }

    void ban(const core::Prefix& who, std::chrono::nanoseconds duration) {
        const std::array bans{core::Ban{.source = who, .until = now + duration}};
        const auto result = enforcer.ban(bans, now);
        ASSERT_TRUE(result) << result.error().message;
    }
    std::size_t held() {
        const auto list = enforcer.list();
        EXPECT_TRUE(list) << list.error().message;
        return list ? list->size() : 0;
    }
    static void nft(const std::string& command) {
        ASSERT_EQ(std::system(("nft '" + command + "'").c_str()), 0) << command;  // NOLINT: a test's set-up
    }

    core::Time now = at(1h);
    NftEnforcer enforcer{{.table = "farewell_test"}};
};

TEST_F(NftKernelTest, ABanChangesItsFormAndIsNeverHeldInBoth) {
    core::Ban one{.source = alone(1), .until = now + 1h, .soft = true};
    ASSERT_TRUE(enforcer.ban(std::array{one}, now));
    EXPECT_TRUE(enforcer.get(alone(1))->value().soft);
    one.soft = false;
    one.changed_form = true;
    ASSERT_TRUE(enforcer.ban(std::array{one}, now));
    EXPECT_EQ(held(), 1U);
    EXPECT_FALSE(enforcer.list()->front().soft);
    one.soft = true;
    ASSERT_TRUE(enforcer.ban(std::array{one}, now));
    EXPECT_EQ(held(), 1U);
    EXPECT_TRUE(enforcer.list()->front().soft);
    ASSERT_TRUE(enforcer.unban(std::array{alone(1)}));
    EXPECT_EQ(held(), 0U);
}

TEST_F(NftKernelTest, WhateverOthersAlterIsSeenAndRepaired) {
    EXPECT_TRUE(*enforcer.is_intact());
    ban(alone(1), 1h);
    EXPECT_TRUE(*enforcer.is_intact()) << "bans are no part of it";
    for (const char* change :
         {"flush ruleset", "delete table inet farewell_test", "flush chain inet farewell_test from_ipv4",
          "insert rule inet farewell_test prerouting accept",
          "add table inet farewell_test { flags dormant; }",
          "add chain inet farewell_test prerouting { policy drop; }",
          "delete table inet farewell_test; add table inet farewell_test; add chain inet farewell_test "
          "prerouting { type "
          "filter hook prerouting priority -450; }"}) {
        nft(change);
        EXPECT_FALSE(*enforcer.is_intact()) << change;
        ASSERT_TRUE(enforcer.build());
        EXPECT_TRUE(*enforcer.is_intact()) << change;
        ban(alone(1), 1h);
    }
}

TEST_F(NftKernelTest, ATableThatLooksTheSameIsNotTheSame) {
    ban(alone(1), 1h);
    ASSERT_EQ(
        std::system(
            "saved=$(nft list table inet farewell_test) && nft delete table inet farewell_test && "  // NOLINT
            "echo \"$saved\" | nft -f -"),
        0);
    EXPECT_FALSE(*enforcer.is_intact());
}

TEST_F(NftKernelTest, BuildingTakesOneTransactionAndNoSecondTry) {
    nft::SetElements anybody("farewell_test", std::move(*nft::open_transport()));
    const auto before = anybody.generation();
    ASSERT_TRUE(enforcer.build());
    EXPECT_EQ(*anybody.generation() - *before, 1U) << "an empty allowlist is none";
}

TEST_F(NftKernelTest, TheTableIsNeverThereWithoutItsAllowlist) {
    ASSERT_TRUE(enforcer.allow(std::array{alone(7)}));
    nft::SetElements anybody("farewell_test", std::move(*nft::open_transport()));
    nft("delete table inet farewell_test");
    const auto before = anybody.generation();
    ASSERT_TRUE(enforcer.build());
    EXPECT_EQ(*anybody.generation() - *before, 1U)
        << "whoever flushes between two transactions makes the second one fail";
    EXPECT_EQ(anybody.list("allow4")->size(), 2U) << "an interval has two ends";
}

TEST_F(NftKernelTest, TheWatchHearsOfOthersAndNotOfItself) {
    const auto opened = enforcer.watch();
    ASSERT_TRUE(opened) << opened.error().message;
    const auto& watch = *opened;
    EXPECT_FALSE(watch->read());
    ban(alone(1), 1h);
    EXPECT_TRUE(enforcer.unban(std::array{alone(1)}));
    EXPECT_FALSE(watch->read()) << "our own";
    nft("add table inet strangers");
    EXPECT_FALSE(watch->read()) << "not about us";
    nft("add element inet farewell_test banned4 { 198.18.0.9 timeout 1h }");
    auto change = watch->read();
    ASSERT_TRUE(change);
    EXPECT_EQ(change->program, "nft");
    EXPECT_NE(change->process, 0U);
    nft("flush ruleset");
    EXPECT_TRUE(watch->read());
    EXPECT_FALSE(watch->read()) << "told once";
}

/// To the kernel, and before each transaction something happens.
class MeddledTransport final : public nft::ForwardingTransport {
 public:
    explicit MeddledTransport(std::function<void()> meddle)
        : ForwardingTransport(std::move(*nft::open_transport())), meddle_(std::move(meddle)) {}

    int commit(std::span<const std::byte> batch, std::uint32_t first, std::uint32_t last) override {
        meddle_();
        return ForwardingTransport::commit(batch, first, last);
    }

 private:
    std::function<void()> meddle_;
};

TEST_F(NftKernelTest, WhileVeryManyBansAreAddedTheWatchHearsNothingAndIsToldWhatItMissed) {
    std::vector<core::Ban> many;
    for (std::uint32_t number = 0; number < 10'000; ++number) {
        many.push_back({.source = alone(number), .until = now + 1h});
    }
    std::string change;
    NftEnforcer meddled({.table = "farewell_test"}, std::make_unique<MeddledTransport>([&change] {
                            if (!change.empty()) {
                                nft(std::exchange(change, ""));
                            }
                        }));
    ASSERT_TRUE(meddled.build());
    const auto watch = *meddled.watch();
    ASSERT_TRUE(meddled.ban(many, now));
    EXPECT_FALSE(watch->read()) << "nobody came in between";

    change = "add element inet farewell_test banned4 { 198.18.0.9 timeout 1h }";
    ASSERT_TRUE(meddled.ban(many, now));
    pollfd readable{.fd = watch->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&readable, 1, 0), 1) << "whoever waits for news is woken";
    const auto missed = watch->read();
    ASSERT_TRUE(missed);
    EXPECT_EQ(missed->program, "") << "nobody heard who it was";
    EXPECT_FALSE(missed->is_own);
    EXPECT_FALSE(watch->read()) << "told once";

    nft("flush set inet farewell_test banned4");
    const auto heard = watch->read();
    ASSERT_TRUE(heard) << "it hears again";
    EXPECT_EQ(heard->program, "nft");
}

TEST_F(NftKernelTest, ATableOfAnotherVersionIsReplacedAndItsBansStayWithTheirTime) {
    ASSERT_TRUE(enforcer.remove());
    nft("add table inet farewell_test;"
        "add set inet farewell_test banned4 { type ipv4_addr; size 65536; flags timeout; counter; };"
        "add set inet farewell_test soft6_64 { type ipv6_addr; size 65536; flags timeout; counter; };"
        "add set inet farewell_test soft4 { type ipv6_addr; size 65536; flags timeout; };"  // a stranger's
        "add element inet farewell_test banned4 { 10.0.0.1 timeout 1h, 10.0.0.2 timeout 10s };"
        "add element inet farewell_test soft6_64 { 2001:db8:: timeout 2h };"
        "add element inet farewell_test soft4 { 2001:db8::1 timeout 2h }");
    NftEnforcer next({.table = "farewell_test"});
    const auto built = next.build();
    ASSERT_TRUE(built) << built.error().message;
    auto bans = next.list();
    ASSERT_TRUE(bans) << bans.error().message;
    std::ranges::sort(*bans, {}, &EnforcedBan::time_left);
    ASSERT_EQ(bans->size(), 3U);
    EXPECT_EQ(bans->at(0).source, alone(2));
    EXPECT_NEAR(static_cast<double>(bans->at(0).time_left.count()), 10'000, 5000);
    EXPECT_EQ(bans->at(1).source, alone(1));
    EXPECT_NEAR(static_cast<double>(bans->at(1).time_left.count()), 3'600'000, 5000);
    EXPECT_EQ(bans->at(2).source, core::Prefix::of(source6(0), 64));
    EXPECT_TRUE(bans->at(2).soft);
    EXPECT_TRUE(*next.is_intact());
}

TEST_F(NftKernelTest, BansOfBothFamiliesAreHeldListedAndLifted) {
    ban(alone(1), 1h);
    ban(alone6(1), 2h);
    ASSERT_EQ(held(), 2U);
    const auto four = enforcer.get(alone(1));
    ASSERT_TRUE(four && *four);
    EXPECT_EQ((*four)->source, alone(1));
    EXPECT_NEAR(static_cast<double>((*four)->time_left.count()), 3'600'000, 5000);
    const auto six = enforcer.get(alone6(1));
    ASSERT_TRUE(six && *six);
    EXPECT_EQ((*six)->source, alone6(1));
    const std::array freed{alone(1), alone6(1), alone(99)};
    ASSERT_TRUE(enforcer.unban(freed));
    EXPECT_EQ(held(), 0U);
    EXPECT_FALSE(*enforcer.get(alone(1)));
}

TEST_F(NftKernelTest, BuildingAgainKeepsTheBans) {
    ban(alone(1), 1h);
    ASSERT_TRUE(enforcer.build());
    EXPECT_EQ(held(), 1U);
    ASSERT_TRUE(enforcer.clear());
    EXPECT_EQ(held(), 0U);
}

TEST_F(NftKernelTest, ANewBanReplacesTheOldTime) {
    ban(alone(1), 1h);
    ban(alone(1), 10min);
    EXPECT_NEAR(static_cast<double>((*enforcer.get(alone(1)))->time_left.count()), 600'000, 5000);
    ban(alone(1), 5h);
    EXPECT_NEAR(static_cast<double>((*enforcer.get(alone(1)))->time_left.count()), 18'000'000, 5000);
}

TEST_F(NftKernelTest, TheKernelEndsABanByItself) {
    ban(alone(1), 200ms);
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (held() > 0 && std::chrono::steady_clock::now() < limit) {
        std::this_thread::yield();
    }
    EXPECT_EQ(held(), 0U);
}

TEST_F(NftKernelTest, ATableThatIsGoneIsSaidAndRebuilt) {
    for (const std::string& blow :
         {std::string("delete table inet farewell_test"), std::string("flush ruleset")}) {
        ban(alone(1), 1h);
        nft(blow);
        const std::array bans{core::Ban{.source = alone(2), .until = now + 1h}};
        const auto refused = enforcer.ban(bans, now);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().failure, Failure::table_gone) << blow;
        EXPECT_EQ(enforcer.unban(std::array{alone(1)}).error().failure, Failure::table_gone);
        EXPECT_EQ(enforcer.list().error().failure, Failure::table_gone);
        ASSERT_TRUE(enforcer.build());
        ASSERT_TRUE(enforcer.ban(bans, now));
        EXPECT_EQ(held(), 1U);
    }
}

TEST_F(NftKernelTest, ABatchIsAllOrNothing) {
    nft("delete table inet farewell_test");
    nft("add table inet farewell_test");
    nft("add set inet farewell_test banned4 { type ipv4_addr; size 3; flags timeout; }");
    std::vector<core::Ban> bans;
    for (std::uint32_t number = 0; number < 5; ++number) {
        bans.push_back({.source = alone(number), .until = now + 1h});
    }
    const auto refused = enforcer.ban(bans, now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().failure, Failure::set_full);
    EXPECT_FALSE(*enforcer.get(alone(0)));
}

TEST_F(NftKernelTest, TensOfThousandsGoInAndComeBack) {
    std::vector<core::Ban> bans;
    for (std::uint32_t number = 0; number < 60'000; ++number) {
        bans.push_back({.source = alone(number), .until = now + 1h});
    }
    const auto result = enforcer.ban(bans, now);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(held(), 60'000U);
    ASSERT_TRUE(enforcer.ban(bans, now)) << "and again, as a renewal";
    EXPECT_EQ(held(), 60'000U);
}

TEST_F(NftKernelTest, AStrangersTableOfOurNameIsReplaced) {
    ASSERT_TRUE(enforcer.remove());
    ASSERT_TRUE(enforcer.remove()) << "twice is no error";
    nft("add table inet farewell_test");
    nft("add set inet farewell_test banned4 { type inet_service; }");
    const auto built = enforcer.build();
    ASSERT_TRUE(built) << built.error().message;
    ban(alone(1), 1h);
    EXPECT_EQ(held(), 1U);
}

TEST_F(NftKernelTest, AnAllowlistMayOverlap) {
    const std::array networks{core::Prefix{.address = source(0), .length = 8},
                              core::Prefix{.address = source(1), .length = 32},
                              core::Prefix{.address = source6(0), .length = 32},
                              core::Prefix{.address = source6(7), .length = 128}};
    const auto allowed = enforcer.allow(networks);
    ASSERT_TRUE(allowed) << allowed.error().message;
    nft("get element inet farewell_test allow4 { 10.9.9.9 }");
    nft("get element inet farewell_test allow6 { 2001:db8::7 }");
    nft("flush ruleset");
    ASSERT_TRUE(enforcer.build());
    nft("get element inet farewell_test allow4 { 10.9.9.9 }");
}

TEST_F(NftKernelTest, WithoutTheCapabilityItIsNotPermitted) {
    const pid_t child = fork();
    if (child == 0) {
        __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
        __user_cap_data_struct none[2] = {};  // NOLINT: what the system call takes
        syscall(SYS_capset, &header, &none);
        NftEnforcer powerless({.table = "farewell_test"});
        const auto built = powerless.build();
        const std::array bans{core::Ban{.source = alone(1), .until = now + 1h}};
        const auto banned = powerless.ban(bans, now);
        std::_Exit(!built && built.error().failure == Failure::no_permission && !banned &&
                           banned.error().failure == Failure::no_permission
                       ? 0
                       : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace farewell::enforce

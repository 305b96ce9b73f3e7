// SPDX-License-Identifier: GPL-2.0-or-later
// The trap in the table, against the real kernel: built, watched over, taken out. What it does to packets is
// shown by tests/e2e. Needs root.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "enforce/nft_enforcer.hpp"
#include "enforce/observe_enforcer.hpp"
#include "nft/forwarding_transport.hpp"
#include "nft/rehearsal.hpp"
#include "nft/ruleset.hpp"
#include "scenario.hpp"

namespace farewell::enforce {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;

const nft::Trap kTrap{.report = nft::LogGroup{7}};

class NftTrapKernelTest : public testing::Test {
 protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root";
        }
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);  // every test is a process of its own under ctest
    }
    static void nft(const std::string& command) {
        ASSERT_EQ(std::system(("nft '" + command + "'").c_str()), 0) << command;  // NOLINT: a test's set-up
    }
    static bool holds(const std::string& text) {
        return nft::list_text("farewell_test").value_or("").find(text) != std::string::npos;
    }
    static bool has_element(const std::string& set, const std::string& element) {
        return std::system(  // NOLINT: nft's own opinion
                   ("nft get element inet farewell_test " + set + " '{ " + element + " }' >/dev/null 2>&1")
                       .c_str()) == 0;
    }
    static NftEnforcer enforcer_with(nft::TableContent content) {
        return NftEnforcer({.table = "farewell_test", .content = std::move(content)});
    }
};

TEST_F(NftTrapKernelTest, EveryKindIsTakenByTheKernel) {
    for (const auto hesitation : {nft::Hesitation::off, nft::Hesitation::suspects, nft::Hesitation::bare}) {
        for (const bool bans : {true, false}) {
            nft::Trap trap = kTrap;
            trap.hesitation = hesitation;
            trap.forward4 = {"192.0.2.0/24", "198.51.100.0/24"};
            trap.forward6 = {"2001:db8::/32"};
            NftEnforcer enforcer = enforcer_with(
                {.bans = bans, .trap = trap, .brake = bans ? std::optional(nft::Brake{}) : std::nullopt});
            const auto built = enforcer.build();
            ASSERT_TRUE(built) << built.error().message;
            EXPECT_TRUE(*enforcer.is_intact());
            EXPECT_TRUE(holds("chain trap_forward {"));
        }
    }
}

TEST_F(NftTrapKernelTest, ARepairKeepsWhatItsSetsHold) {
    NftEnforcer enforcer = enforcer_with({.bans = true, .trap = kTrap});
    ASSERT_TRUE(enforcer.build());
    const std::array bans{core::Ban{.source = alone(1), .until = at(2h)}};
    ASSERT_TRUE(enforcer.ban(bans, at(1h)));
    nft("add element inet farewell_test suspect4 { 10.0.0.2 timeout 1h }");
    for (const char* change :
         {"flush chain inet farewell_test trap_look4", "insert rule inet farewell_test trap accept",
          "flush chain inet farewell_test trap"}) {
        nft(change);
        EXPECT_FALSE(*enforcer.is_intact()) << change;
        ASSERT_TRUE(enforcer.build());
        EXPECT_TRUE(*enforcer.is_intact()) << change;
        EXPECT_TRUE(has_element("suspect4", "10.0.0.2")) << change;
        EXPECT_EQ(enforcer.list()->size(), 1U) << change;
    }
}

TEST_F(NftTrapKernelTest, WhoRestsLeavesTheBansAlone) {
    NftEnforcer enforcer = enforcer_with({.bans = true, .trap = kTrap});
    EXPECT_TRUE(enforcer.rest()) << "nothing there is nothing to take out";
    EXPECT_FALSE(nft::list_text("farewell_test"));
    ASSERT_TRUE(enforcer.build());
    const std::array bans{core::Ban{.source = alone(1), .until = at(2h)}};
    ASSERT_TRUE(enforcer.ban(bans, at(1h)));
    ASSERT_TRUE(enforcer.rest());
    EXPECT_FALSE(holds("trap"));
    EXPECT_FALSE(holds("suspect4"));
    EXPECT_EQ(enforcer.list()->size(), 1U);
}

TEST_F(NftTrapKernelTest, ABrakeAloneTakesTheTrapsPlaceAndRestsLikeIt) {
    ASSERT_TRUE(enforcer_with({.bans = true, .trap = kTrap, .brake = nft::Brake{}}).build());
    EXPECT_TRUE(holds("ct state invalid") || holds("ct state != invalid"));
    NftEnforcer enforcer = enforcer_with({.bans = true, .brake = nft::Brake{.ports = 7}});
    const auto built = enforcer.build();
    ASSERT_TRUE(built) << built.error().message;
    EXPECT_TRUE(*enforcer.is_intact());
    EXPECT_TRUE(holds("burst 6 packets"));
    EXPECT_FALSE(holds("invalid")) << "it tells of nothing";
    EXPECT_FALSE(holds("log group"));
    ASSERT_TRUE(enforcer.rest());
    EXPECT_FALSE(holds("trap"));
}

/// A kernel without what finds a socket.
class WithoutSockets final : public nft::ForwardingTransport {
 public:
    WithoutSockets() : ForwardingTransport(std::move(*nft::open_transport())) {}

    std::expected<void, std::string> run(const std::string& text) override {
        return text.contains("socket transparent") ? std::unexpected("No such file or directory")
                                                   : ForwardingTransport::run(text);
    }
};

TEST_F(NftTrapKernelTest, WhereSocketsCannotBeFoundBansDoWithoutTheBrakeAndTheTrapIsRefused) {
    NftEnforcer enforcer({.table = "farewell_test", .content = {.bans = true, .brake = nft::Brake{}}},
                         std::make_unique<WithoutSockets>());
    ASSERT_TRUE(enforcer.build());
    EXPECT_FALSE(enforcer.brake());
    EXPECT_TRUE(*enforcer.is_intact());
    EXPECT_TRUE(holds("banned4"));
    EXPECT_FALSE(holds("trap"));
    nft("flush ruleset");
    ASSERT_TRUE(enforcer.build());
    ASSERT_TRUE(enforcer.brake_at(nft::Brake{.ports = 8}));
    EXPECT_FALSE(enforcer.brake());
    NftEnforcer trapper(
        {.table = "farewell_test", .content = {.bans = true, .trap = kTrap, .brake = nft::Brake{}}},
        std::make_unique<WithoutSockets>());
    EXPECT_FALSE(trapper.build());
}

TEST_F(NftTrapKernelTest, TheBrakeTakesNewNumbersAndTheBansStay) {
    NftEnforcer enforcer = enforcer_with({.bans = true, .brake = nft::Brake{.ports = 7}});
    ASSERT_TRUE(enforcer.build());
    const std::array bans{core::Ban{.source = alone(1), .until = at(2h)}};
    ASSERT_TRUE(enforcer.ban(bans, at(1h)));
    ASSERT_TRUE(enforcer.brake_at(nft::Brake{.ports = 8}));
    EXPECT_EQ(enforcer.brake(), nft::Brake{.ports = 8});
    EXPECT_TRUE(holds("burst 7 packets"));
    EXPECT_TRUE(*enforcer.is_intact());
    ASSERT_TRUE(enforcer.brake_at(std::nullopt));
    EXPECT_FALSE(holds("trap"));
    EXPECT_TRUE(*enforcer.is_intact());
    EXPECT_EQ(enforcer.list()->size(), 1U);
}

TEST_F(NftTrapKernelTest, WhoeverIsLetInIsLetGoByTheBrakeToo) {
    NftEnforcer enforcer = enforcer_with({.bans = true, .brake = nft::Brake{}});
    ASSERT_TRUE(enforcer.build());
    for (const char* set : {"burst4", "braked4"}) {
        nft(std::string("add element inet farewell_test ") + set +
            " { 10.0.0.1 timeout 1h, 10.0.0.2 timeout 1h }");
    }
    ASSERT_TRUE(enforcer.unban(std::array{alone(1)}));
    for (const char* set : {"burst4", "braked4"}) {
        EXPECT_FALSE(has_element(set, "10.0.0.1")) << set;
        EXPECT_TRUE(has_element(set, "10.0.0.2")) << set;
    }
}

TEST_F(NftTrapKernelTest, ATableWithoutATrapLosesTheOneItHad) {
    ASSERT_TRUE(enforcer_with({.bans = true, .trap = kTrap}).build());
    EXPECT_TRUE(holds("chain trap {"));
    ASSERT_TRUE(enforcer_with({}).build());
    EXPECT_FALSE(holds("trap"));
    EXPECT_TRUE(holds("banned4"));
}

TEST_F(NftTrapKernelTest, AnObserversTrapLeavesBansThatAreThere) {
    NftEnforcer before = enforcer_with({});
    ASSERT_TRUE(before.build());
    const std::array bans{core::Ban{.source = alone(1), .until = at(2h)}};
    ASSERT_TRUE(before.ban(bans, at(1h)));
    ObserveEnforcer observer(
        std::make_unique<NftEnforcer>(NftSettings{.table = "farewell_test", .content = {false, kTrap}}));
    ASSERT_TRUE(observer.build());
    EXPECT_TRUE(*observer.is_intact());
    EXPECT_EQ(before.list()->size(), 1U);
    ASSERT_TRUE(observer.ban(std::array{core::Ban{.source = alone(2), .until = at(2h)}}, at(1h)));
    EXPECT_EQ(before.list()->size(), 1U) << "it bans nobody";
    nft("flush chain inet farewell_test trap");
    EXPECT_FALSE(*observer.is_intact());
    ASSERT_TRUE(observer.rest());
    EXPECT_FALSE(holds("trap"));
}

TEST_F(NftTrapKernelTest, ARehearsalTouchesNothingAndTellsWhatWouldBe) {
    const std::string text = nft::build_text("farewell_test", {.bans = true, .trap = kTrap});
    const auto rehearsed = nft::rehearse_text(text, "farewell_test");
    ASSERT_TRUE(rehearsed) << rehearsed.error().message;
    EXPECT_FALSE(nft::list_text("farewell_test"));
    NftEnforcer enforcer = enforcer_with({.bans = true, .trap = kTrap});
    ASSERT_TRUE(enforcer.build());
    EXPECT_EQ(*nft::list_text("farewell_test"), *rehearsed);
    EXPECT_FALSE(nft::rehearse_text("nonsense", "farewell_test"));
}

TEST_F(NftTrapKernelTest, ACheckChangesNothing) {
    EXPECT_TRUE(nft::check_text("add table inet farewell_test\n"));
    EXPECT_FALSE(nft::list_text("farewell_test"));
    EXPECT_FALSE(nft::check_text("add rule inet none none accept\n"));
}

}  // namespace
}  // namespace farewell::enforce

// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel's answers become, over a transport that a test scripts; and the enforcer that only
// observes.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/bannable.hpp"
#include "enforce/nft_enforcer.hpp"
#include "enforce/observe_enforcer.hpp"
#include "scenario.hpp"

namespace farewell::enforce {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::at;
using test::network6;
using test::source;

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        std::array<char, 4> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x ", std::to_integer<unsigned>(byte));
        text += digits.data();
    }
    return text;
}

class ScriptedTransport final : public nft::Transport {
 public:
    ScriptedTransport(std::deque<int>& answers, std::vector<std::string>& commits,
                      std::vector<std::string>& texts)
        : answers_(answers), commits_(commits), texts_(texts) {}
    int commit(std::span<const std::byte> batch, std::uint32_t first, std::uint32_t last) override {
        EXPECT_FALSE(batch.empty());
        EXPECT_LT(first, last);
        EXPECT_GT(first, last_sequence_) << "numbers are never used twice: late answers cannot be mistaken";
        last_sequence_ = last;
        commits_.push_back(hex(batch));
        return next();
    }
    int query(std::span<const std::byte> /*request*/, std::uint32_t sequence,
              const std::function<void(const nlmsghdr&)>& /*on_message*/) override {
        EXPECT_GT(sequence, last_sequence_);
        last_sequence_ = sequence;
        return next();
    }
    std::expected<void, std::string> run(const std::string& text) override {
        texts_.push_back(text);
        return {};
    }

 private:
    int next() {
        if (answers_.empty()) {
            return 0;
        }
        const int answer = answers_.front();
        answers_.pop_front();
        return answer;
    }
    std::deque<int>& answers_;
    std::vector<std::string>& commits_;  // what went to the kernel
    std::vector<std::string>& texts_;    // and to libnftables
    std::uint32_t last_sequence_ = 0;
};

class NftEnforcerTest : public testing::Test {
 protected:
    std::expected<void, EnforceError> ban_one() {
        const std::array bans{core::Ban{.source = alone(1), .until = at(2h)}};
        return enforcer.ban(bans, at(1h));
    }
    std::deque<int> answers;
    std::vector<std::string> commits;
    std::vector<std::string> texts;
    NftEnforcer enforcer{{.table = "t"}, std::make_unique<ScriptedTransport>(answers, commits, texts)};
};

TEST_F(NftEnforcerTest, ErrorsAreToldApartAndReadWell) {
    const std::array<std::pair<int, Failure>, 7> cases{{{ENOENT, Failure::table_gone},
                                                        {EPERM, Failure::no_permission},
                                                        {ENFILE, Failure::set_full},
                                                        {ENOSPC, Failure::set_full},
                                                        {EOPNOTSUPP, Failure::unsupported},
                                                        {ETIMEDOUT, Failure::other},
                                                        {EINVAL, Failure::other}}};
    for (const auto& [reason, failure] : cases) {
        answers = {reason};
        const auto result = ban_one();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().failure, failure) << reason;
    }
    answers = {ENOENT};
    EXPECT_EQ(ban_one().error().message,
              "add 10.0.0.1 to set banned4 of table inet t: No such file or directory");
}

TEST_F(NftEnforcerTest, ANewBanIsOneTransactionAndARenewalASecond) {
    ASSERT_TRUE(ban_one());
    EXPECT_EQ(commits.size(), 1U);
    answers = {EEXIST, 0};
    ASSERT_TRUE(ban_one());
    EXPECT_EQ(commits.size(), 3U);
    answers = {EEXIST, ENOENT};
    EXPECT_EQ(ban_one().error().failure, Failure::table_gone);
}

// nft create element inet t banned6_64 { 2001:db8:0:1:: timeout 1h }
TEST_F(NftEnforcerTest, APrefixIsItsFirstAddressInTheSetOfItsLength) {
    const core::Prefix sloppy{.address = network6(1, 128).address, .length = 64};
    const std::array bans{core::Ban{.source = sloppy, .until = at(2h)}};
    ASSERT_TRUE(enforcer.ban(bans, at(1h)));
    ASSERT_EQ(commits.size(), 1U);
    ASSERT_FALSE(texts.empty());
    EXPECT_NE(texts.front().find("add set inet t banned6_64 "), std::string::npos) << "first its set";
    EXPECT_NE(
        commits.front().find("0f 00 02 00 62 61 6e 6e 65 64 36 5f 36 34 00 00 "  // "banned6_64"
                             "06 00 01 00 74 00 00 00 "                          // "t"
                             "2c 00 03 80 28 00 01 80 "                          // the list, its only element
                             "0c 00 04 00 00 00 00 00 00 36 ee 80 "              // 3,600,000 ms
                             "18 00 01 80 14 00 01 00 20 01 0d b8 00 00 00 01 00 00 00 00 00 00 00 00 "),
        std::string::npos);
    answers = {ENFILE};
    EXPECT_EQ(enforcer.ban(bans, at(1h)).error().message,
              "add 2001:db8:0:1::/64 to set banned6_64 of table inet t: Too many open files in system");
}

TEST_F(NftEnforcerTest, EveryFamilyAndFormHasASetOfItsOwn) {
    const auto expect_set = [this](const core::Address& address, bool soft) {
        const core::Prefix prefix = core::Prefix::of(address);
        answers = {EPERM};
        std::string set = soft ? "soft" : "banned";
        set += address.family() == core::Family::ipv4 ? "4" : "6";
        const std::array bans{core::Ban{.source = prefix, .until = at(2h), .soft = soft}};
        const auto refused = enforcer.ban(bans, at(1h));
        EXPECT_NE(refused.error().message.find("to set " + set + " of"), std::string::npos)
            << refused.error().message;
    };
    for (const core::Address& address : {source(1), network6(1, 128).address}) {
        expect_set(address, false);
        expect_set(address, true);
    }
}

TEST_F(NftEnforcerTest, OnlyABanThatChangedItsFormTakesASecondTransaction) {
    std::array bans{core::Ban{.source = alone(1), .until = at(2h), .soft = true}};
    EXPECT_TRUE(enforcer.ban(bans, at(1h)));
    EXPECT_EQ(commits.size(), 1U);
    bans.front().soft = false;
    bans.front().changed_form = true;
    EXPECT_TRUE(enforcer.ban(bans, at(1h)));
    EXPECT_EQ(commits.size(), 3U);
    answers = {0, EPERM};
    EXPECT_FALSE(enforcer.ban(bans, at(1h))) << "what could not be taken out is not done";
}

TEST_F(NftEnforcerTest, BansThatAreOverAreNotSent) {
    const std::array bans{core::Ban{.source = alone(1), .until = at(1h)}};
    EXPECT_TRUE(enforcer.ban(bans, at(1h)));
    EXPECT_TRUE(enforcer.ban({}, at(1h)));
    EXPECT_EQ(commits.size(), 0U);
}

TEST_F(NftEnforcerTest, RemovingWhatIsGoneIsSuccess) {
    answers = {ENOENT};
    EXPECT_TRUE(enforcer.remove());
    answers = {EPERM};
    EXPECT_EQ(enforcer.remove().error().failure, Failure::no_permission);
}

TEST_F(NftEnforcerTest, AListThatWillNotHoldStillIsAskedForAgain) {
    answers = {EINTR, EINTR, 0, 0};
    EXPECT_TRUE(enforcer.list());
    answers = std::deque<int>(20, EINTR);
    EXPECT_FALSE(enforcer.list());
}

TEST_F(NftEnforcerTest, WhatIsNotThereIsNoErrorToAskFor) {
    answers = {ENOENT};
    const auto held = enforcer.get(alone(1));
    ASSERT_TRUE(held);
    EXPECT_FALSE(*held);
}

TEST(ObserveEnforcer, RemembersWhatWouldBeBanned) {
    ObserveEnforcer enforcer;
    const std::array bans{core::Ban{.source = alone(1), .until = at(2h)},
                          core::Ban{.source = alone(2), .until = at(1h)}};
    ASSERT_TRUE(enforcer.ban(bans, at(1h)));
    ASSERT_EQ(enforcer.list()->size(), 1U);
    EXPECT_EQ((*enforcer.get(alone(1)))->time_left, 1h);
    const std::array freed{alone(1)};
    ASSERT_TRUE(enforcer.unban(freed));
    EXPECT_FALSE(*enforcer.get(alone(1)));
    ASSERT_TRUE(enforcer.ban(bans, at(90min)));
    ASSERT_TRUE(enforcer.ban({}, at(3h)));
    EXPECT_TRUE(enforcer.list()->empty()) << "it ends like the kernel's";
}

}  // namespace
}  // namespace farewell::enforce

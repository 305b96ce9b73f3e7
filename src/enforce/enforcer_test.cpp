// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel's answers become, over a transport that a test scripts; and the enforcer that only
// observes.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <memory>

#include "enforce/nft_enforcer.hpp"
#include "enforce/observe_enforcer.hpp"
#include "scenario.hpp"

namespace farewell::enforce {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::source;

class ScriptedTransport final : public nft::Transport {
 public:
    explicit ScriptedTransport(std::deque<int>& answers, int& commits)
        : answers_(answers), commits_(commits) {}
    int commit(std::span<const std::byte> batch, std::uint32_t first, std::uint32_t last) override {
        EXPECT_FALSE(batch.empty());
        EXPECT_LT(first, last);
        EXPECT_GT(first, last_sequence_) << "numbers are never used twice: late answers cannot be mistaken";
        last_sequence_ = last;
        ++commits_;
        return next();
    }
    int query(std::span<const std::byte> /*request*/, std::uint32_t sequence,
              const std::function<void(const nlmsghdr&)>& /*on_message*/) override {
        EXPECT_GT(sequence, last_sequence_);
        last_sequence_ = sequence;
        return next();
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
    int& commits_;
    std::uint32_t last_sequence_ = 0;
};

class NftEnforcerTest : public testing::Test {
 protected:
    std::expected<void, EnforceError> ban_one() {
        const std::array bans{core::Ban{.source = source(1), .until = at(2h)}};
        return enforcer.ban(bans, at(1h));
    }
    std::deque<int> answers;
    int commits = 0;
    NftEnforcer enforcer{{.table = "t"}, std::make_unique<ScriptedTransport>(answers, commits)};
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
    EXPECT_EQ(commits, 1);
    answers = {EEXIST, 0};
    ASSERT_TRUE(ban_one());
    EXPECT_EQ(commits, 3);
    answers = {EEXIST, ENOENT};
    EXPECT_EQ(ban_one().error().failure, Failure::table_gone);
}

TEST_F(NftEnforcerTest, BansThatAreOverAreNotSent) {
    const std::array bans{core::Ban{.source = source(1), .until = at(1h)}};
    EXPECT_TRUE(enforcer.ban(bans, at(1h)));
    EXPECT_TRUE(enforcer.ban({}, at(1h)));
    EXPECT_EQ(commits, 0);
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
    const auto held = enforcer.get(source(1));
    ASSERT_TRUE(held);
    EXPECT_FALSE(*held);
}

TEST(ObserveEnforcer, RemembersWhatWouldBeBanned) {
    ObserveEnforcer enforcer;
    const std::array bans{core::Ban{.source = source(1), .until = at(2h)},
                          core::Ban{.source = source(2), .until = at(1h)}};
    ASSERT_TRUE(enforcer.ban(bans, at(1h)));
    ASSERT_EQ(enforcer.list()->size(), 1U);
    EXPECT_EQ((*enforcer.get(source(1)))->time_left, 1h);
    const std::array freed{source(1)};
    ASSERT_TRUE(enforcer.unban(freed));
    EXPECT_FALSE(*enforcer.get(source(1)));
    ASSERT_TRUE(enforcer.ban(bans, at(90min)));
    ASSERT_TRUE(enforcer.ban({}, at(3h)));
    EXPECT_TRUE(enforcer.list()->empty()) << "it ends like the kernel's";
}

}  // namespace
}  // namespace farewell::enforce

// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/shared_knowledge.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "scenario.hpp"

namespace farewell::source {
namespace {

std::shared_ptr<const core::Knowledge> owning(std::uint32_t number) {
    core::Knowledge::Facts facts;
    facts.own_addresses = {test::source(number)};
    facts.gateways = {test::source(number + 1)};
    return std::make_shared<const core::Knowledge>(facts);
}

TEST(SharedKnowledge, NothingIsKnownBeforeTheFirst) {
    const SharedKnowledge shared;
    SharedKnowledge::View view(shared);
    EXPECT_TRUE(view.get().facts().own_addresses.empty());
}

TEST(SharedKnowledge, EveryViewSeesTheLatest) {
    SharedKnowledge shared;
    SharedKnowledge::View before(shared);
    shared.publish(owning(1));
    SharedKnowledge::View after(shared);
    EXPECT_TRUE(before.get().is_own(test::source(1)));
    EXPECT_TRUE(after.get().is_own(test::source(1)));
    shared.publish(owning(2));
    EXPECT_FALSE(before.get().is_own(test::source(1)));
    EXPECT_TRUE(before.get().is_own(test::source(2)));
}

TEST(SharedKnowledge, AViewKeepsWhatItSeesAlive) {
    SharedKnowledge shared;
    auto first = owning(1);
    const std::weak_ptr<const core::Knowledge> watched = first;
    shared.publish(std::move(first));
    SharedKnowledge::View view(shared);
    shared.publish(owning(2));
    EXPECT_FALSE(watched.expired()) << "the view has not looked since";
    EXPECT_TRUE(view.get().is_own(test::source(2)));
    EXPECT_TRUE(watched.expired());
}

TEST(SharedKnowledge, IsReadWholeWhileItChanges) {
    constexpr std::uint32_t kLast = 2000;
    SharedKnowledge shared;
    shared.publish(owning(1));
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&shared] {
            SharedKnowledge::View view(shared);
            while (true) {
                const core::Knowledge& known = view.get();
                const core::Address own = known.facts().own_addresses.front();
                ASSERT_TRUE(known.is_own(own));
                ASSERT_EQ(known.facts().gateways.size(), 1U);
                if (own == test::source(kLast)) {
                    return;
                }
            }
        });
    }
    for (std::uint32_t number = 2; number <= kLast; ++number) {
        shared.publish(owning(number));
    }
}

}  // namespace
}  // namespace farewell::source

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rehearsal.hpp"

#include <gtest/gtest.h>

#include "enforce/observe_enforcer.hpp"

namespace farewell::daemon {
namespace {

TEST(Rehearsal, GoesThroughABanAndBansNobody) {
    enforce::ObserveEnforcer enforcer;
    EXPECT_TRUE(rehearse(enforcer)) << "it came to a ban of its own";
    EXPECT_TRUE(enforcer.list().value().empty());
}

}  // namespace
}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/evidence.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace farewell::core {
namespace {

TEST(Evidence, ToolsAreNamedInTheirOrder) {
    EXPECT_TRUE(names_of(0).empty());
    EXPECT_TRUE(names_of(bit_of(Tool::none)).empty());
    const auto tools = static_cast<Tools>(bit_of(Tool::raw) | bit_of(Tool::nmap) | bit_of(Tool::masscan));
    EXPECT_EQ(names_of(tools), (std::vector<std::string_view>{"nmap", "masscan", "raw"}));
}

}  // namespace
}  // namespace farewell::core

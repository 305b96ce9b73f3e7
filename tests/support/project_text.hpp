// SPDX-License-Identifier: GPL-2.0-or-later
// For tests of whether what the project writes about itself is true: its files, and what stands in them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace farewell::test {

/// `name` from the project's root on: "docs/metrics.md".
inline std::string project_text(const std::filesystem::path& name) {
    const std::ifstream stream(std::filesystem::path(FAREWELL_ROOT) / name);
    EXPECT_TRUE(stream.good()) << name;
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

/// What the pattern's first group is, wherever it matches.
inline std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
    std::set<std::string> found;
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
        found.insert((*match)[1]);
    }
    return found;
}

}  // namespace farewell::test

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/line_diff.hpp"

#include <algorithm>
#include <cstddef>

namespace farewell::cli {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// common[i][j]: how many lines the rests of the two from line i and j on have in common, in order.
using Table = std::vector<std::vector<std::size_t>>;

Table common_rests(const std::vector<std::string_view>& before, const std::vector<std::string_view>& after) {
    Table common(before.size() + 1, std::vector<std::size_t>(after.size() + 1));
    for (std::size_t i = before.size(); i-- > 0;) {
        for (std::size_t j = after.size(); j-- > 0;) {
            common[i][j] = before[i] == after[j] ? common[i + 1][j + 1] + 1
                                                 : std::max(common[i + 1][j], common[i][j + 1]);
        }
    }
    return common;
}

}  // namespace

std::vector<std::string> line_diff(std::string_view before, std::string_view after) {
    const auto old_lines = lines_of(before);
    const auto new_lines = lines_of(after);
    const Table common = common_rests(old_lines, new_lines);
    std::vector<std::string> diff;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < old_lines.size() || j < new_lines.size()) {
        if (i < old_lines.size() && j < new_lines.size() && old_lines[i] == new_lines[j]) {
            ++i;
            ++j;
        } else if (j == new_lines.size() || (i < old_lines.size() && common[i + 1][j] >= common[i][j + 1])) {
            diff.push_back("- " + std::string(old_lines[i++]));
        } else {
            diff.push_back("+ " + std::string(new_lines[j++]));
        }
    }
    return diff;
}

}  // namespace farewell::cli

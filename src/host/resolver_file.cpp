// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/resolver_file.hpp"

#include <algorithm>

#include "report/address_text.hpp"

namespace farewell::host {
namespace {

constexpr std::string_view kBlanks = " \t\r";

/// Takes the next word off the front of a line.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
    line.remove_prefix(word.size());
    return word;
}

}  // namespace

std::vector<core::Address> parse_resolvers(std::string_view text) {
    std::vector<core::Address> resolvers;
    while (!text.empty() && resolvers.size() < kResolversMax) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (take_word(line) != "nameserver") {
            continue;
        }
        const std::string_view word = take_word(line);
        if (const auto address = report::parse_address(word.substr(0, word.find('%')))) {
            resolvers.push_back(*address);
        }
    }
    return resolvers;
}

}  // namespace farewell::host

// SPDX-License-Identifier: MIT
// Bytes of recorded messages, for tests.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace farewell::netlink {

/// Blanks between the digits are passed over.
inline std::vector<std::byte> from_hex(std::string_view text) {
    std::string digits(text);
    std::erase(digits, ' ');
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

}  // namespace farewell::netlink

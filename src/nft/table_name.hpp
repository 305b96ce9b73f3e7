// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

namespace farewell::nft {

/// NFT_NAME_MAXLEN (linux/netfilter/nf_tables.h) leaves room for the terminator.
inline constexpr std::size_t kTableNameMax = 255;

/// Whether nft's own grammar takes it for a name without quotes: letters, digits, `_`, `/`, `\` and `.` after
/// a letter. We allow letters, digits and `_` only: nobody should have to escape the name in a shell.
[[nodiscard]] constexpr bool is_valid_table_name(std::string_view name) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (name.empty() || name.size() > kTableNameMax || !is_letter(name.front())) {
        return false;
    }
    for (const char c : name) {
        if (!is_letter(c) && (c < '0' || c > '9')) {
            return false;
        }
    }
    return true;
}

}  // namespace farewell::nft

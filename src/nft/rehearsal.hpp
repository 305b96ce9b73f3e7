// SPDX-License-Identifier: GPL-2.0-or-later
// What a table looks like once text has run, as the kernel and nft tell it, without touching anybody's rules:
// the text runs in a network namespace that is made for it and gone afterwards.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace farewell::nft {

struct RehearsalFailure {
    std::string message;
    bool no_permission = false;  // CAP_SYS_ADMIN is needed to make a namespace
};

/// As list_text would show it.
[[nodiscard]] std::expected<std::string, RehearsalFailure> rehearse_text(const std::string& text,
                                                                         std::string_view table);

}  // namespace farewell::nft

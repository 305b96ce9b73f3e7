// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of bans as files: what `farewell bans import` reads and `farewell bans export` writes. Pure.
#pragma once

#include <chrono>
#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"

namespace farewell::cli {

struct ListedBan {
    core::Prefix source;
    std::optional<std::chrono::seconds> duration;  // nullopt: the list does not say
    std::string note;                              // may be empty
};

/// Reads
///  - plain lists: an address or prefix a line, whatever stands behind it on the line is not looked at;
///    empty lines and what comes after `#` or `;` are left out;
///  - farewell's own JSON (farewell/bans-export/v1);
///  - decisions of CrowdSec's `cscli decisions list -o json` and `import`, of scope ip and range and type
///  ban.
/// The errors say where and what: "line 3: …", or "bans[2]: …". All or nothing.
[[nodiscard]] std::expected<std::vector<ListedBan>, std::vector<std::string>> parse_ban_list(
    std::string_view text);

enum class ListFormat : std::uint8_t { plain, nft, json, cscli };

/// `bans`: the list of a farewell/bans-export/v1, in its order.
[[nodiscard]] std::string ban_list_text(const nlohmann::json& bans, ListFormat format);

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// What identifies a table as it was built: handles that the kernel gives once and never again, so whoever
// replaces, empties or alters the table, a chain or a rule leaves another shape. What the sets hold is not in
// it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "nft/transport.hpp"

namespace farewell::nft {

struct TableShape {
    std::uint64_t table = 0;  // its handle
    std::uint32_t flags = 0;  // dormant, for one
    struct Chain {
        std::uint64_t handle = 0;
        std::uint32_t policy = 0;
        friend bool operator==(const Chain&, const Chain&) = default;
    };
    std::vector<Chain> chains;
    std::vector<std::uint64_t> rules;  // handles, in the order in which they are asked
    friend bool operator==(const TableShape&, const TableShape&) = default;
};

/// Of a table of family inet. Three questions, numbered from `sequence` on. The error is an errno; ENOENT:
/// there is no such table; EINTR: the ruleset changed meanwhile.
[[nodiscard]] std::expected<TableShape, int> read_shape(Transport& transport, std::uint32_t sequence,
                                                        const std::string& table);
inline constexpr std::uint32_t kShapeQuestions = 3;

}  // namespace farewell::nft

// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's rules, as far as doctor has to understand them: where packets are handed over to programs, and
// what happens to packets before. Read from what nft lists. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farewell::doctor {

/// A statement that hands packets to a program.
struct Delivery {
    bool is_queue = false;  ///< else a log group
    bool is_known = true;   ///< false: the listing does not tell the number
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    bool has_bypass = false;
    friend bool operator==(const Delivery&, const Delivery&) = default;
};

/// What a rule does in the end with the packets that it is for.
enum class Fate : std::uint8_t { goes_on, accepts, drops, queues, jumps, goes_to, returns };

struct Rule {
    std::uint64_t handle = 0;
    bool is_for_all = true;  ///< it does not say which packets it is for
    bool is_ipv4_only = false;
    bool is_ipv6_only = false;
    bool accepts_established = false;
    bool skips_established = false;  ///< it is for packets that begin something
    Fate fate = Fate::goes_on;
    std::string target;  ///< of a jump
    std::optional<Delivery> delivery;
    bool is_compat = false;  ///< made by iptables-nft, which alone may change it
};

struct Chain {
    std::string family;
    std::string table;
    std::string name;
    std::string hook;    ///< empty: only jumps lead here
    std::string policy;  ///< empty without a hook
    std::vector<Rule> rules;
};

struct Ruleset {
    std::vector<Chain> chains;
    [[nodiscard]] bool has_chain(std::string_view name) const;
    [[nodiscard]] bool has_table(std::string_view name) const;
};

/// `json` as of `nft -j -t list ruleset`; `text` as of `nft -a -s -t list ruleset`, which tells what
/// iptables' own targets are that JSON does not. The error says what of the JSON is not understood.
[[nodiscard]] std::expected<Ruleset, std::string> parse_ruleset(std::string_view json, std::string_view text);

}  // namespace farewell::doctor

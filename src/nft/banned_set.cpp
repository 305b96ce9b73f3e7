// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/banned_set.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <tuple>

namespace farewell::nft {
namespace {

// More than the core ever wants; a bound all the same, because everything has one.
constexpr int kBansMax = 1'048'576;
constexpr const char* kDropsRememberedFor = "1d";  // after the last; for when nobody sees the ban end

constexpr std::uint8_t full_length(bool ipv6) {
    return ipv6 ? 128 : 32;
}

std::string netmask_of(const BannedSet& set) {
    std::array<std::uint8_t, 16> mask{};
    for (std::size_t bit = 0; bit < set.prefix_length; ++bit) {
        mask.at(bit / 8) |= static_cast<std::uint8_t>(0x80U >> bit % 8);
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(set.ipv6 ? AF_INET6 : AF_INET, mask.data(), text.data(), text.size());
}

/// "ip saddr & 255.255.0.0"
std::string source_text(const BannedSet& set) {
    const std::string mask = set.prefix_length == full_length(set.ipv6) ? "" : " & " + netmask_of(set);
    return fmt::format("{} saddr{}", set.ipv6 ? "ip6" : "ip", mask);
}

}  // namespace

std::strong_ordering operator<=>(const BannedSet& one, const BannedSet& other) {
    return std::tuple(one.ipv6, one.soft, -int{one.prefix_length}) <=>
           std::tuple(other.ipv6, other.soft, -int{other.prefix_length});
}

std::set<BannedSet> first_sets() {
    std::set<BannedSet> sets;
    for (const bool ipv6 : {false, true}) {
        for (const bool soft : {false, true}) {
            sets.insert({.ipv6 = ipv6, .soft = soft, .prefix_length = full_length(ipv6)});
        }
    }
    return sets;
}

std::string name_of(const BannedSet& set) {
    const std::string name = fmt::format("{}{}", set.soft ? "soft" : "banned", set.ipv6 ? 6 : 4);
    return set.prefix_length == full_length(set.ipv6) ? name : fmt::format("{}_{}", name, set.prefix_length);
}

std::optional<BannedSet> banned_set_of(std::string_view name) {
    BannedSet set;
    std::string_view rest = name;
    for (const std::string_view form : {"banned", "soft"}) {
        if (name.starts_with(form)) {
            set.soft = form == "soft";
            rest = name.substr(form.size());
        }
    }
    set.ipv6 = rest.starts_with('6');
    set.prefix_length = full_length(set.ipv6);
    if (const std::size_t mark = rest.find('_'); mark != std::string_view::npos) {
        std::from_chars(rest.data() + mark + 1, rest.data() + rest.size(), set.prefix_length);
    }
    // Whatever else the name may be: only what it would be called counts.
    const bool is_ours = set.prefix_length <= full_length(set.ipv6) && name_of(set) == name;
    return is_ours ? std::optional(set) : std::nullopt;
}

std::string drops_name_of(const BannedSet& set) {
    return name_of(set) + "_drops";
}

std::string set_text(const BannedSet& set, std::string_view table) {
    const char* type = set.ipv6 ? "ipv6_addr" : "ipv4_addr";
    return fmt::format(
        "add set inet {0} {1} {{ type {3}; size {4}; flags timeout; }}\n"
        "add set inet {0} {2} {{ type {3}; size {4}; flags dynamic,timeout; }}\n",
        table, name_of(set), drops_name_of(set), type, kBansMax);
}

std::string match_text(const BannedSet& set) {
    return fmt::format("{} @{}", source_text(set), name_of(set));
}

std::string count_text(const BannedSet& set) {
    return fmt::format("update @{} {{ {} timeout {} counter }}", drops_name_of(set), source_text(set),
                       kDropsRememberedFor);
}

}  // namespace farewell::nft

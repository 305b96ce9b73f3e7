// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/table_text.hpp"

#include <fmt/format.h>

#include "nft/ruleset.hpp"

namespace farewell::nft {

std::string build_text(std::string_view table, const TableContent& content) {
    // build_text has the allow sets too; both ask for them by the same definition.
    const std::string base = content.bans
                                 ? build_text(table, content.sets)
                                 : fmt::format(
                                       "add table inet {0}\n"
                                       "add set inet {0} {1} {{ type ipv4_addr; flags interval; }}\n"
                                       "add set inet {0} {2} {{ type ipv6_addr; flags interval; }}\n",
                                       table, kAllow4, kAllow6);
    if (content.trap) {
        return base + trap_text(table, *content.trap, content.brake);
    }
    return base + (content.brake ? brake_text(table, *content.brake) : no_trap_text(table));
}

std::string replace_text(std::string_view table, const TableContent& content) {
    return fmt::format("add table inet {0}\ndelete table inet {0}\n{1}", table, build_text(table, content));
}

}  // namespace farewell::nft

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/source_option.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "report/address_text.hpp"

namespace farewell::cli {

CLI::Option* add_address(CLI::App& command, std::string& address) {
    return command.add_option("address", address, "an IPv4 or IPv6 address")
        ->required()
        ->check([](const std::string& text) {
            return report::parse_address(text) ? std::string()
                                               : fmt::format("`{}` is not an IPv4 or IPv6 address", text);
        });
}

CLI::Option* add_source(CLI::App& command, std::string& source) {
    return command.add_option("source", source, "an address, or a prefix such as 2001:db8:0:1::/64")
        ->check([](const std::string& text) {
            const auto parsed = report::parse_source(text);
            return parsed ? std::string() : parsed.error();
        });
}

}  // namespace farewell::cli

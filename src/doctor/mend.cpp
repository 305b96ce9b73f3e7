// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/mend.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace farewell::doctor {
namespace {

/// As printf(1) takes it within single quotes.
std::string for_printf(std::string_view text) {
    std::string escaped;
    for (const char character : text) {
        if (character == '\n') {
            escaped += "\\n";
        } else {
            escaped += character;
        }
    }
    return escaped;
}

}  // namespace

std::string set_keys(const Facts& facts, std::string_view name, std::string_view toml,
                     std::string_view then) {
    const auto folder = std::filesystem::path(facts.config_file).parent_path() / "conf.d";
    return fmt::format("mkdir -p {0} && printf '{2}' > {0}/60-{1}.toml && {3}", folder.string(), name,
                       for_printf(toml), then);
}

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/did_you_mean.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "report/suggestion.hpp"

namespace farewell::cli {
namespace {

/// "--json" of a command and of those around it.
std::vector<std::string> options_of(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::App* app = &command; app != nullptr; app = app->get_parent()) {
        for (const CLI::Option* option : app->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                names.push_back("--" + name);
            }
        }
    }
    return names;
}

std::vector<std::string> commands_of(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::App* app : command.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(app->get_name());
    }
    return names;
}

/// nullopt also when the word is one of them.
std::optional<std::string> guess(std::string_view word, const std::vector<std::string>& names) {
    if (std::ranges::find(names, word) != names.end()) {
        return std::nullopt;
    }
    const auto near = report::nearest(word, std::vector<std::string_view>(names.begin(), names.end()));
    return near ? std::optional(std::string(*near)) : std::nullopt;
}

}  // namespace

std::optional<std::string> did_you_mean(const CLI::App& app, std::span<const char* const> words) {
    const CLI::App* command = &app;
    for (const std::string_view word : words) {
        if (word.starts_with("--")) {
            if (auto option = guess(word.substr(0, word.find('=')), options_of(*command))) {
                return option;
            }
            continue;
        }
        const std::vector<std::string> names = commands_of(*command);
        if (std::ranges::find(names, word) != names.end()) {
            command = command->get_subcommand(std::string(word));
        } else if (auto name = guess(word, names)) {
            return name;
        }
    }
    return std::nullopt;
}

}  // namespace farewell::cli

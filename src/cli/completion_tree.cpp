// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/completion_tree.hpp"

#include <CLI/CLI.hpp>

namespace farewell::cli {
namespace {

/// CLI11 tells types as text only: "FILE", or "TEXT:{bash,zsh,fish}".
PlaceContent content_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    PlaceContent content{.words = {}, .files = type.starts_with("FILE")};
    const std::size_t begin = type.find('{');
    const std::size_t end = type.find('}');
    if (begin < end && end != std::string::npos) {
        content.words = CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
    }
    return content;
}

CompletedOption option_of(const CLI::Option& option) {
    CompletedOption completed{.names = {}, .help = option.get_description(), .value = std::nullopt};
    for (const std::string& name : option.get_snames()) {
        completed.names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        completed.names.push_back("--" + name);
    }
    if (option.get_items_expected_max() > 0) {
        completed.value = content_of(option);
    }
    return completed;
}

void add(std::vector<CompletedCommand>& commands, const CLI::App& app, const std::string& path) {
    CompletedCommand command{.path = path, .help = app.get_description(), .options = {}, .argument = {}};
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_positional()) {
            command.argument = content_of(*option);
        } else {
            command.options.push_back(option_of(*option));
        }
    }
    commands.push_back(std::move(command));
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
        add(commands, *child, path + " " + child->get_name());
    }
}

}  // namespace

std::vector<CompletedCommand> completion_tree(const CLI::App& app, const std::string& program) {
    std::vector<CompletedCommand> commands;
    add(commands, app, program);
    return commands;
}

}  // namespace farewell::cli

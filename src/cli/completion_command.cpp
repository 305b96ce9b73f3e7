// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell completion`: what a shell completes, made of the command line as it is described here and now.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/completion_scripts.hpp"
#include "cli/completion_tree.hpp"

namespace farewell::cli {

void add_completion_command(CLI::App& app, Session& session) {
    using Script = std::string (*)(std::span<const CompletedCommand>);
    static const std::map<std::string, Script> shells{
        {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};
    CLI::App* command = app.add_subcommand("completion", "a script by which a shell completes all this");
    const auto shell = std::make_shared<std::string>();
    command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember(shells));
    session.on(*command, [&app, shell] {
        const std::string script = shells.at(*shell)(completion_tree(app, "farewell"));
        std::fputs(script.c_str(), stdout);
        return report::ExitStatus::ok;
    });
}

}  // namespace farewell::cli

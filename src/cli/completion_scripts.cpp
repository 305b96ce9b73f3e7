// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/completion_scripts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace farewell::cli {
namespace {

constexpr std::string_view kHeader =
    "# Completion for {1}; written by `{0} completion {1}`, which knows the options of this version.\n";

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

/// As bash and zsh take it literally.
std::string quoted(const std::string& text) {
    return "'" + replace_all(text, "'", R"('\'')") + "'";
}

std::string fish_quoted(const std::string& text) {
    return "'" + replace_all(replace_all(text, "\\", R"(\\)"), "'", R"(\')") + "'";
}

/// A word and its help, as zsh's _describe takes them.
std::string described(const std::string& word, const std::string& help) {
    return quoted(replace_all(word, ":", "\\:") + ":" + help);
}

/// 'farewell bans' | 'farewell bans add' | …: what a path may be made of.
std::string paths(std::span<const CompletedCommand> commands) {
    std::vector<std::string> quoted_paths;
    for (const CompletedCommand& command : commands.subspan(1)) {
        quoted_paths.push_back(quoted(command.path));
    }
    return fmt::format("{}", fmt::join(quoted_paths, " | "));
}

/// Where options take the same content: bash's and zsh's patterns of "command, and then this option".
std::vector<std::pair<PlaceContent, std::vector<std::string>>> places(
    std::span<const CompletedCommand> commands) {
    std::vector<std::pair<PlaceContent, std::vector<std::string>>> found;
    for (const CompletedCommand& command : commands) {
        for (const CompletedOption& option : command.options) {
            if (!option.value) {
                continue;
            }
            auto place = std::ranges::find(found, *option.value,
                                           &std::pair<PlaceContent, std::vector<std::string>>::first);
            if (place == found.end()) {
                place = found.insert(found.end(), {*option.value, {}});
            }
            for (const std::string& name : option.names) {
                place->second.push_back(fmt::format("{}*{}", quoted(command.path + " "), quoted(" " + name)));
            }
        }
    }
    return found;
}

std::vector<std::string> children_of(const CompletedCommand& parent,
                                     std::span<const CompletedCommand> commands) {
    std::vector<std::string> names;
    for (const CompletedCommand& command : commands) {
        if (command.is_child_of(parent)) {
            names.push_back(command.name());
        }
    }
    return names;
}

}  // namespace

std::string bash_completion(std::span<const CompletedCommand> commands) {
    const std::string program = commands.front().path;
    std::string text = fmt::format(kHeader, program, "bash");
    text += fmt::format(R"(_{0}() {{
    local command={0} current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
    local word words='' options='' files=''
    if [[ $current == '=' ]]; then # bash takes --option=value apart
        current=''
    elif [[ $previous == '=' ]]; then
        previous=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
        case "$command $word" in
            {1}) command+=" $word" ;;
        esac
    done
    case "$command  $previous" in
)",
                        program, paths(commands));
    for (const auto& [content, patterns] : places(commands)) {
        text += fmt::format("        {})\n            words={} files={} ;;\n", fmt::join(patterns, " | "),
                            quoted(fmt::format("{}", fmt::join(content.words, " "))),
                            content.files ? "yes" : "''");
    }
    text += "        *)\n            case $command in\n";
    for (const CompletedCommand& command : commands) {
        std::vector<std::string> words = children_of(command, commands);
        words.insert(words.end(), command.argument.words.begin(), command.argument.words.end());
        text += fmt::format("                {}) words={} files={} ;;\n", quoted(command.path),
                            quoted(fmt::format("{}", fmt::join(words, " "))),
                            command.argument.files ? "yes" : "''");
    }
    text += "            esac\n";
    for (const CompletedCommand& command : commands) {
        std::vector<std::string> names;
        for (const CompletedOption& option : command.options) {
            names.insert(names.end(), option.names.begin(), option.names.end());
        }
        if (!names.empty()) {
            text +=
                fmt::format("            [[ \"$command \" != {}* ]] || options+={}\n",
                            quoted(command.path + " "), quoted(fmt::format(" {}", fmt::join(names, " "))));
        }
    }
    text += fmt::format(R"(            [[ $current != -* ]] || words=$options files=''
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [[ -z $files ]] || compgen -f -- "$current")
    [[ -z $files ]] || compopt -o filenames 2>/dev/null
}}
complete -F _{0} {0}
)",
                        program);
    return text;
}

std::string zsh_completion(std::span<const CompletedCommand> commands) {
    const std::string program = commands.front().path;
    std::string text = fmt::format("#compdef {0}\n", program) + fmt::format(kHeader, program, "zsh");
    text += fmt::format(R"(_{0}() {{
    local command={0} word
    local -a children arguments options
    for word in ${{words[2,CURRENT-1]}}; do
        case "$command $word" in
            {1}) command+=" $word" ;;
        esac
    done
    case "$command  ${{words[CURRENT-1]}}" in
)",
                        program, paths(commands));
    for (const auto& [content, patterns] : places(commands)) {
        std::string action = content.files ? "_files" : "_message 'a value'";
        if (!content.words.empty()) {
            action = fmt::format("compadd -- {}", fmt::join(content.words, " "));
        }
        text += fmt::format("        {})\n            {}; return ;;\n", fmt::join(patterns, " | "), action);
    }
    text += "    esac\n    case $command in\n";
    for (const CompletedCommand& parent : commands) {
        std::string children;
        for (const CompletedCommand& command : commands) {
            if (command.is_child_of(parent)) {
                children += " " + described(command.name(), command.help);
            }
        }
        const PlaceContent& argument = parent.argument;
        if (!children.empty() || !argument.words.empty() || argument.files) {
            text += fmt::format("        {}) children=({}) arguments=({}){} ;;\n", quoted(parent.path),
                                children.empty() ? "" : children.substr(1), fmt::join(argument.words, " "),
                                argument.files ? "; [[ $PREFIX == -* ]] || _files" : "");
        }
    }
    text += "    esac\n";
    for (const CompletedCommand& command : commands) {
        std::string options;
        for (const CompletedOption& option : command.options) {
            for (const std::string& name : option.names) {
                options += "\n        " + described(name, option.help);
            }
        }
        if (!options.empty()) {
            text += fmt::format("    [[ \"$command \" != {}* ]] || options+=({})\n",
                                quoted(command.path + " "), options);
        }
    }
    text += fmt::format(R"(    (( ! $#arguments )) || compadd -a arguments
    (( ! $#children )) || _describe command children
    [[ $PREFIX != -* ]] || _describe -o option options
}}
if [[ $funcstack[1] == _{0} ]]; then # loaded by zsh itself when it was needed first
    _{0} "$@"
else
    compdef _{0} {0}
fi
)",
                        program);
    return text;
}

std::string fish_completion(std::span<const CompletedCommand> commands) {
    const std::string program = commands.front().path;
    std::string known;
    for (const CompletedCommand& command : commands.subspan(1)) {
        known += " " + fish_quoted(command.path);
    }
    std::string text = fmt::format(kHeader, program, "fish");
    text += fmt::format(R"fish(function __{0}_command
    set -l command {0}
    for word in (commandline -opc)[2..]
        switch "$command $word"
            case{1}
                set command "$command $word"
        end
    end
    echo $command
end
function __{0}_is
    test (__{0}_command) = "$argv"
end
function __{0}_within
    string match -q -- "$argv *" (__{0}_command)" "
end
complete -c {0} -f
)fish",
                        program, known);
    const auto offer = [&text, &program](std::string_view condition, const std::string& path,
                                         const std::string& what, const std::string& help) {
        text += fmt::format("complete -c {0} -n '__{0}_{1} {2}' {3}{4}\n", program, condition, path, what,
                            help.empty() ? "" : " -d " + fish_quoted(help));
    };
    const auto content_text = [](const PlaceContent& content) {
        return content.files
                   ? std::string("-F")
                   : fmt::format("-a {}", fish_quoted(fmt::format("{}", fmt::join(content.words, " "))));
    };
    for (const CompletedCommand& parent : commands) {
        for (const CompletedCommand& command : commands) {
            if (command.is_child_of(parent)) {
                offer("is", parent.path, "-a " + command.name(), command.help);
            }
        }
        if (parent.argument != PlaceContent{}) {
            offer("is", parent.path, content_text(parent.argument), "");
        }
        for (const CompletedOption& option : parent.options) {
            std::string names;
            for (const std::string& name : option.names) {
                names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            }
            if (option.value) {
                names += option.value->files ? " -r " : " -x ";
                names += content_text(*option.value);
            }
            offer("within", parent.path, names.substr(1), option.help);
        }
    }
    return text;
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// What may be typed after `farewell`, read off the command line's own description, so that completion knows
// what the program knows.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace farewell::cli {

/// What may stand in one place; neither: something nobody can guess.
struct PlaceContent {
    std::vector<std::string> words;
    bool files = false;

    bool operator==(const PlaceContent&) const = default;
};

struct CompletedOption {
    std::vector<std::string> names;  // "-q", "--quiet"
    std::string help;
    std::optional<PlaceContent> value;  // nullopt: it takes none
};

struct CompletedCommand {
    std::string path;  // "farewell bans add"
    std::string help;
    std::vector<CompletedOption> options;  // its own; those of the commands around it count as well
    PlaceContent argument;

    [[nodiscard]] std::string name() const { return path.substr(path.rfind(' ') + 1); }
    [[nodiscard]] bool is_child_of(const CompletedCommand& other) const {
        return path == other.path + " " + name();
    }
};

/// Every command, the program itself first. An option or argument takes files if its type is named FILE, and
/// certain words if it is checked by CLI::IsMember.
[[nodiscard]] std::vector<CompletedCommand> completion_tree(const CLI::App& app, const std::string& program);

}  // namespace farewell::cli

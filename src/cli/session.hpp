// SPDX-License-Identifier: GPL-2.0-or-later
// What every command of farewell shares: the global options, how it speaks, and which command was typed.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "cli/control_client.hpp"
#include "cli/paint.hpp"
#include "report/exit_status.hpp"

namespace CLI {
class App;
}

namespace farewell::cli {

/// One run of the program. Data goes to stdout, messages to stderr.
class Session {
 public:
    using Action = std::function<report::ExitStatus()>;
    using Screen = std::function<std::string(const nlohmann::json&, const Paint&)>;

    std::string socket = "/run/farewell/control.sock";
    bool as_json = false;
    bool quiet = false;
    bool dry_run = false;
    Colour colour = Colour::automatic;

    /// Adds the global options; they may stand anywhere.
    void add_options(CLI::App& app);
    /// `action` is what to do when this command has been typed.
    void on(CLI::App& command, Action action);
    /// Does what was typed.
    [[nodiscard]] report::ExitStatus run() const { return chosen_(); }

    [[nodiscard]] ControlClient daemon() const { return ControlClient(socket); }
    /// How stdout is to be coloured.
    [[nodiscard]] Paint paint() const;

    /// For people; nothing with --quiet.
    void say(std::string_view text) const;
    /// One document, or as `text` says it.
    void say(const nlohmann::json& document, std::string_view text) const;
    /// A sentence on stderr; with --json also a farewell/error/v1.
    [[nodiscard]] report::ExitStatus fail(const CallFailure& failure) const;
    [[nodiscard]] report::ExitStatus fail(report::ExitStatus status, std::string message) const;
    /// What --dry-run answers: "would " + `what`.
    [[nodiscard]] report::ExitStatus would(const std::string& what) const;
    /// Calls the daemon, and shows its document as JSON, or as `screen` makes it of a printable one.
    [[nodiscard]] report::ExitStatus show(std::string_view method, const nlohmann::json& parameters,
                                          const Screen& screen) const;

 private:
    Action chosen_;
};

}  // namespace farewell::cli

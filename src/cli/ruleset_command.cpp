// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell ruleset`.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/commands.hpp"
#include "cli/config_options.hpp"
#include "cli/line_diff.hpp"
#include "cli/ruleset_hooks.hpp"
#include "config/config.hpp"
#include "config/table_content.hpp"
#include "host/small_file.hpp"
#include "nft/rehearsal.hpp"
#include "nft/ruleset.hpp"
#include "report/control_protocol.hpp"
#include "report/errno_text.hpp"
#include "report/printable.hpp"

namespace farewell::cli {
namespace {

namespace fs = std::filesystem;
using config::CaptureSource;
using config::Config;
using nlohmann::json;
using report::ExitStatus;

constexpr std::size_t kDropInMax = 65'536;  // ours has two hundred bytes

struct RulesetOptions {
    ConfigOptions config;
    std::string hook;  // of kHooks; empty: the trap
};

fs::path drop_in_of(const RulesetOptions& options) {
    const fs::path file = options.config.file.empty() ? config::kDefaultConfigFile : options.config.file;
    return file.parent_path() / "conf.d" / "50-trap.toml";
}

std::string drop_in_text(CaptureSource source) {
    return fmt::format(
        "# Written by `farewell ruleset install`; `farewell ruleset remove` deletes it.\n"
        "[trap]\n"
        "enabled = true\n"
        "[capture]\n"
        "source = \"{}\"\n",
        source == CaptureSource::nflog ? "nflog" : "nfqueue");
}

/// What is loaded by this configuration; empty: nothing. `loaded` is what list_text says of the table: sets
/// that bans have needed belong there, added in the order in which they stand.
std::string wanted_text(const Config& config, std::string_view loaded = "") {
    auto content = config::table_content(config);
    if (!content) {
        return "";
    }
    std::string text = nft::build_text(config.nft_table, *content);
    constexpr std::string_view kBeforeName = "\tset ";
    for (std::size_t at = loaded.find(kBeforeName); at != std::string_view::npos;
         at = loaded.find(kBeforeName, at + 1)) {
        const std::size_t begin = at + kBeforeName.size();
        const auto set = nft::banned_set_of(loaded.substr(begin, loaded.find(' ', begin) - begin));
        if (set && content->sets.insert(*set).second) {
            text += nft::build_text(config.nft_table, *content);
        }
    }
    return text;
}

void say(const Session& session, json document, const std::string& text) {
    document["schema"] = "farewell/ruleset/v1";
    session.say(document, text);
}

bool is_daemon_running(const Session& session) {
    return session.daemon().call(report::control::method::kStatus, json::object()).has_value();
}

/// What has to happen yet for the kernel to follow the configuration.
std::string next_step(bool running) {
    return running ? "farewelld is running: restart it, for the trap and its source are chosen at start\n"
                   : "farewelld is not running: it follows when it starts\n";
}

/// The source that this kernel's nftables can feed from a trap.
std::expected<CaptureSource, std::string> best_source() {
    if (auto asked = nft::check_text("add table inet farewell_probe\n"); !asked) {
        return std::unexpected("ask nf_tables: " + asked.error());
    }
    return nft::check_text(nft::queue_probe_text()) ? CaptureSource::nfqueue : CaptureSource::nflog;
}

std::string read_drop_in(const fs::path& file) {
    return host::read_file(file, kDropInMax).value_or("");
}

std::expected<void, std::string> write_drop_in(const fs::path& file, const std::string& text) {
    std::error_code reason;
    fs::create_directories(file.parent_path(), reason);
    if (reason) {
        return std::unexpected(fmt::format("make {}: {}", file.parent_path().string(), reason.message()));
    }
    if (const int number = host::replace_file(file, text); number != 0) {
        return std::unexpected(fmt::format("write {}: {}", file.string(), report::errno_text(number)));
    }
    using fs::perms;
    // The user that farewelld becomes must be able to read it for a reload.
    fs::permissions(file, perms::owner_read | perms::owner_write | perms::group_read | perms::others_read,
                    reason);
    return {};
}

/// A file that is read later may say otherwise.
std::string overruled(const RulesetOptions& options, bool enabled) {
    const auto config = load_config(options.config);
    if (!config || config->trap.enabled == enabled) {
        return "";
    }
    return fmt::format("beware: another file or --set still says trap.enabled = {}\n", !enabled);
}

void add_ruleset_options(CLI::App& command, RulesetOptions& options) {
    add_config_options(command, options.config);
    command
        .add_option("--hook", options.hook,
                    fmt::format("beside which firewall: {}; print then shows the rule to write oneself",
                                fmt::join(kHooks, ", ")))
        ->check(CLI::IsMember(std::vector<std::string>(kHooks.begin(), kHooks.end())));
}

ExitStatus print_ruleset(const RulesetOptions& options, const Session& session) {
    const auto config = load_config(options.config);
    if (!config) {
        return ExitStatus::configuration;
    }
    std::string text = wanted_text(*config);
    if (const auto by_hand = hook_text(options.hook, config->capture)) {
        text = *by_hand;
    } else if (text.empty()) {
        text = "# Nothing: farewelld only observes, without a trap.\n";
    }
    say(session, {{"text", text}}, text);
    return ExitStatus::ok;
}

ExitStatus diff_ruleset(const RulesetOptions& options, const Session& session) {
    const auto config = load_config(options.config);
    if (!config) {
        return ExitStatus::configuration;
    }
    const std::string loaded = nft::list_text(config->nft_table).value_or("");
    const std::string text = wanted_text(*config, loaded);
    std::string wanted;
    if (!text.empty()) {
        auto rehearsed = nft::rehearse_text(text, config->nft_table);
        if (!rehearsed) {
            return session.fail(
                rehearsed.error().no_permission ? ExitStatus::no_permission : ExitStatus::unreachable,
                rehearsed.error().message);
        }
        wanted = std::move(*rehearsed);
    }
    const std::vector<std::string> lines = line_diff(loaded, wanted);
    std::string screen;
    if (!lines.empty()) {
        screen =
            fmt::format("table inet {}: - the kernel has it, + farewelld would load it\n", config->nft_table);
        for (const std::string& line : lines) {
            const std::size_t indentation = std::min(line.find_first_not_of("+- \t"), line.size());
            screen += line.substr(0, indentation) + report::printable(line.substr(indentation)) + "\n";
        }
    }
    say(session, {{"differs", !lines.empty()}, {"lines", lines}}, screen);
    return lines.empty() ? ExitStatus::ok : ExitStatus::failure;
}

ExitStatus install_trap(const RulesetOptions& options, const Session& session) {
    auto config = load_config(options.config);
    if (!config) {
        return ExitStatus::configuration;
    }
    const auto source = best_source();
    if (!source) {
        return session.fail(ExitStatus::no_permission, source.error() + "; run this as root");
    }
    config->trap.enabled = true;
    config->capture.source = *source;
    const auto content = config::table_content(*config).value_or(nft::TableContent{});
    if (auto checked = nft::check_text(nft::replace_text(config->nft_table, content)); !checked) {
        return session.fail(ExitStatus::failure, "this kernel cannot have the trap: " + checked.error());
    }
    const fs::path file = drop_in_of(options);
    const std::string text = drop_in_text(*source);
    const bool already = read_drop_in(file) == text;
    const char* source_name = *source == CaptureSource::nflog ? "nflog" : "nfqueue";
    json document{{"file", file.string()}, {"source", source_name}, {"already", already}};
    if (already) {
        say(session, document, fmt::format("already installed: {}\n", file.string()));
        return ExitStatus::ok;
    }
    if (session.dry_run) {
        say(session, document, fmt::format("would write {}:\n{}", file.string(), text));
        return ExitStatus::ok;
    }
    if (auto written = write_drop_in(file, text); !written) {
        return session.fail(ExitStatus::failure, written.error());
    }
    const bool running = is_daemon_running(session);
    document["restart"] = running;
    say(session, document,
        fmt::format(
            "installed: {} (capture.source = \"{}\"){}\n{}{}", file.string(), source_name,
            options.hook.empty() ? "" : fmt::format("; {}'s own rules stay as they are", options.hook),
            next_step(running), overruled(options, true)));
    return ExitStatus::ok;
}

ExitStatus remove_trap(const RulesetOptions& options, const Session& session) {
    const auto config = load_config(options.config);
    if (!config) {
        return ExitStatus::configuration;
    }
    const fs::path file = drop_in_of(options);
    std::error_code reason;
    const bool already = !fs::exists(file, reason);
    json document{{"file", file.string()}, {"already", already}};
    if (session.dry_run) {
        say(session, document,
            already ? "already removed\n" : fmt::format("would delete {}\n", file.string()));
        return ExitStatus::ok;
    }
    if (!already && !fs::remove(file, reason)) {
        return session.fail(ExitStatus::failure,
                            fmt::format("delete {}: {}", file.string(), reason.message()));
    }
    // Whoever runs would put back what we took out; after an unclean end nobody does.
    const bool running = is_daemon_running(session);
    if (!running && nft::list_text(config->nft_table)) {
        if (auto removed = nft::run_text(nft::no_trap_text(config->nft_table)); !removed) {
            return session.fail(ExitStatus::failure, fmt::format("take the trap out of table inet {}: {}",
                                                                 config->nft_table, removed.error()));
        }
    }
    document["restart"] = running && !already;
    say(session, document,
        already
            ? "already removed\n"
            : fmt::format("removed: {}\n{}{}", file.string(), next_step(running), overruled(options, false)));
    return ExitStatus::ok;
}

}  // namespace

void add_ruleset_commands(CLI::App& app, Session& session) {
    CLI::App* commands = app.add_subcommand("ruleset", "what farewelld loads into the kernel, and the trap");
    commands->require_subcommand(1);
    const auto options = std::make_shared<RulesetOptions>();
    const auto add = [&](const char* name, const char* help, auto* action) {
        CLI::App* command = commands->add_subcommand(name, help);
        add_ruleset_options(*command, *options);
        session.on(*command, [&session, options, action] { return action(*options, session); });
    };
    add("print", "what farewelld loads by its configuration, as nftables text", print_ruleset);
    add("diff", "in what the kernel's table differs from it; exit status 1 if it does", diff_ruleset);
    add("install", "turn the trap on: closed ports are found without a rule of your own", install_trap);
    add("remove", "turn it off again", remove_trap);
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// Checks of the daemon, its configuration and what it keeps.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "doctor/checks.hpp"
#include "doctor/mend.hpp"
#include "doctor/verdicts.hpp"
#include "report/quantity_text.hpp"

namespace farewell::doctor {
namespace {

using config::CaptureSource;
using config::Config;
using config::Mode;

std::optional<Finding> check_daemon(const Facts& facts) {
    if (facts.daemon) {
        return well(
            fmt::format("farewelld {} answers (process {})", facts.daemon->version, facts.daemon->pid));
    }
    if (facts.answer == Answer::no_permission) {
        return skipped("needs root, or the group of farewelld's user: what farewelld says of itself",
                       "sudo farewell doctor");
    }
    return failure(fmt::format("nobody is watched: {}", facts.no_answer),
                   facts.has_systemd ? "systemctl start farewell" : "farewelld");
}

std::optional<Finding> check_version(const Facts& facts) {
    if (!facts.daemon || facts.daemon->version == facts.version) {
        return std::nullopt;
    }
    return warning(
        fmt::format("farewelld {} runs, and {} is installed", facts.daemon->version, facts.version),
        std::string(kRestart));
}

std::optional<Finding> check_unit(const Facts& facts) {
    if (!facts.has_systemd || !facts.unit.is_installed) {
        return std::nullopt;
    }
    if (!facts.unit.is_enabled) {
        return warning("farewell.service is not enabled: after a reboot nobody is watched",
                       "systemctl enable farewell");
    }
    return well("farewell.service starts with the host");
}

std::optional<Finding> check_config(const Facts& facts) {
    if (!facts.config_errors.empty()) {
        const std::size_t more = facts.config_errors.size() - 1;
        return failure(fmt::format("{}{}", facts.config_errors.front(),
                                   more > 0 ? fmt::format(" (and {} more)", more) : ""),
                       "farewell check-config");
    }
    if (facts.config_files.empty()) {
        return well("no configuration file: the defaults are in force");
    }
    std::string names;
    for (const ConfigFile& file : facts.config_files) {
        names += (names.empty() ? "" : ", ") + file.path;
    }
    return well("the configuration is valid: " + names);
}

std::optional<Finding> check_config_loaded(const Facts& facts) {
    if (!facts.daemon || !facts.config) {
        return std::nullopt;
    }
    std::vector<std::string> files;
    for (const ConfigFile& file : facts.config_files) {
        files.push_back(file.path);
        if (file.modified > facts.daemon->config_loaded) {
            return warning(fmt::format("{} has changed since farewelld read it", file.path),
                           "farewell reload");
        }
    }
    if (files != facts.daemon->config_files) {
        return warning("configuration files have come or gone since farewelld read them", "farewell reload");
    }
    return files.empty() ? std::nullopt : well("farewelld has read the configuration as it is now");
}

std::vector<std::uint16_t> wanted_lanes(const Config::Capture& capture) {
    if (capture.source == CaptureSource::nflog) {
        return {capture.group};
    }
    std::vector<std::uint16_t> numbers;
    for (unsigned number = capture.first_queue; number <= capture.last_queue; ++number) {
        numbers.push_back(static_cast<std::uint16_t>(number));
    }
    return numbers;
}

std::optional<Finding> check_config_restart(const Facts& facts) {
    if (!facts.daemon || !facts.config) {
        return std::nullopt;
    }
    const DaemonFacts& daemon = *facts.daemon;
    const Config& config = *facts.config;
    std::string keys;
    const auto compare = [&keys](const char* key, bool is_same) {
        if (!is_same) {
            keys += (keys.empty() ? "" : ", ") + std::string(key);
        }
    };
    const bool is_same_source = daemon.is_logged == (config.capture.source == CaptureSource::nflog);
    compare("mode", daemon.is_observing == (config.mode == Mode::observe));
    compare("capture.source", is_same_source);
    compare(daemon.is_logged ? "capture.group" : "capture.queues",
            !is_same_source || daemon.lanes == wanted_lanes(config.capture));
    compare("trap.enabled", daemon.has_trap == config.trap.enabled);
    compare("nft.table", daemon.table == "inet " + config.nft_table);
    compare("history.enabled", daemon.has_history == config.history_enabled);
    if (keys.empty()) {
        return std::nullopt;
    }
    return warning(fmt::format("farewelld runs without what the configuration says now, because that takes a "
                               "restart: {}",
                               keys),
                   std::string(kRestart));
}

std::optional<Finding> check_mode(const Facts& facts) {
    if (!facts.daemon) {
        return std::nullopt;
    }
    if (!facts.daemon->is_observing) {
        return well("scanners are banned (mode = \"enforce\")");
    }
    if (facts.observes_by_command_line) {
        return note("farewelld only observes, nobody is banned: its command line says so (--observe)");
    }
    return note("farewelld only observes, nobody is banned (mode = \"observe\")",
                set_keys(facts, "mode", "mode = \"enforce\"\n", kRestart));
}

std::optional<Finding> check_flood(const Facts& facts) {
    if (!facts.daemon || !facts.daemon->is_memory_short) {
        return std::nullopt;
    }
    const std::size_t bytes = facts.config ? facts.config->limits.memory_bytes : std::size_t{16} << 20U;
    return warning("a flood takes more memory than detect.memory has: slow scanners may go unseen",
                   set_keys(facts, "memory",
                            fmt::format("[detect]\nmemory = \"{}MiB\"\n", (bytes >> 20U) * 4), kReload));
}

std::optional<Finding> check_budget(const Facts& facts) {
    if (!facts.daemon || !facts.daemon->is_budget_spent) {
        return std::nullopt;
    }
    return warning(
        "more sources deserve a ban than ban.per_minute allows, as in a forged flood: new scanners "
        "are not banned until it ebbs",
        "farewell events --since 10m");
}

std::optional<Finding> check_bans_in_force(const Facts& facts) {
    if (!facts.daemon || facts.daemon->is_observing) {
        return std::nullopt;
    }
    const DaemonFacts& daemon = *facts.daemon;
    if (daemon.is_kernel_refusing || daemon.bans_enforced < daemon.bans_wanted) {
        return failure(
            fmt::format("{} of {} bans are in force: {}", daemon.bans_enforced, daemon.bans_wanted,
                        daemon.trouble.empty() ? "the kernel has refused the rest" : daemon.trouble),
            "farewell ruleset diff");
    }
    if (daemon.bans_wanted == 0) {
        return well(fmt::format("table {} is in the kernel, and nobody is banned now", daemon.table));
    }
    return well(fmt::format("table {}: {} of {} bans are in force", daemon.table, daemon.bans_enforced,
                            daemon.bans_wanted));
}

std::optional<Finding> check_bans_max(const Facts& facts) {
    if (!facts.daemon || facts.daemon->bans_refused == 0) {
        return std::nullopt;
    }
    return warning(fmt::format("{} bans were not made: there are as many as farewell may hold",
                               facts.daemon->bans_refused),
                   "farewell bans remove --all");
}

std::optional<Finding> check_losses(const Facts& facts) {
    if (!facts.daemon) {
        return std::nullopt;
    }
    if (facts.daemon->lost > 0) {
        return warning(fmt::format("{} of {} packets were lost before farewell could look at them",
                                   facts.daemon->lost, facts.daemon->packets + facts.daemon->lost),
                       set_keys(facts, "capture",
                                "[capture]\nreceive_buffer = \"64MiB\"\nmax_length = 65536\n", kRestart));
    }
    return well("no packet was lost");
}

std::optional<Finding> check_receive_buffer(const Facts& facts) {
    constexpr std::size_t kEnough = std::size_t{1} << 20U;  // the kernel's default holds 256 packets
    if (!facts.daemon || !facts.config) {
        return std::nullopt;
    }
    const std::size_t asked = facts.config->capture.receive_buffer.value_or(kEnough);
    if (facts.daemon->receive_buffer_min >= asked) {
        return std::nullopt;
    }
    return warning(
        fmt::format("the receive buffer has {}, less than {}: bursts will be lost",
                    report::size_to_text(facts.daemon->receive_buffer_min), report::size_to_text(asked)),
        fmt::format("sysctl -w net.core.rmem_max={} && {}", asked, kRestart));
}

std::optional<Finding> check_history(const Facts& facts) {
    if (!facts.daemon) {
        return std::nullopt;
    }
    if (!facts.daemon->has_history) {
        return note(
            "no history is kept: events and evidence do not outlive a restart (history.enabled = false)");
    }
    if (!facts.daemon->history_trouble.empty()) {
        return warning(fmt::format("the history is in memory alone: {}", facts.daemon->history_trouble),
                       facts.config ? "df -h " + facts.config->state_directory.string() : "df -h");
    }
    return well("the history is written");
}

std::optional<Finding> check_state(const Facts& facts) {
    if (!facts.daemon || !facts.config || !facts.state.is_there) {
        return std::nullopt;
    }
    const std::string directory = facts.config->state_directory.string();
    if (facts.state.is_read_only) {
        return warning(fmt::format("{} is on a read-only file system: nothing is remembered", directory),
                       fmt::format("mount -o remount,rw \"$(findmnt -n -o TARGET -T {})\"", directory));
    }
    if (!facts.state.is_daemons) {
        return warning(
            fmt::format("{} does not belong to the user that farewelld runs as: nothing is remembered",
                        directory),
            fmt::format("chown -R {} {}", facts.config->user, directory));
    }
    const std::size_t to_come = facts.daemon->history_bytes_max -
                                std::min(facts.daemon->history_bytes, facts.daemon->history_bytes_max);
    if (facts.daemon->has_history && facts.state.free_bytes < to_come) {
        return warning(
            fmt::format("{} has {} left, and the history may grow by {} (history.size)", directory,
                        report::size_to_text(facts.state.free_bytes), report::size_to_text(to_come)),
            "df -h " + directory);
    }
    return well(fmt::format("{} can be written and has room", directory));
}

std::optional<Finding> check_metrics_file(const Facts& facts) {
    if (!facts.daemon || facts.daemon->metrics_trouble.empty() || !facts.config) {
        return std::nullopt;
    }
    return warning(fmt::format("the metrics are not written: {}", facts.daemon->metrics_trouble),
                   fmt::format("setfacl -m u:{}:rwx {}", facts.config->user,
                               facts.config->metrics_textfile.parent_path().string()));
}

constexpr std::array kChecks{
    Check{"daemon", check_daemon},
    Check{"version", check_version},
    Check{"unit", check_unit},
    Check{"config", check_config},
    Check{"config-loaded", check_config_loaded},
    Check{"config-restart", check_config_restart},
    Check{"mode", check_mode},
    Check{"bans-in-force", check_bans_in_force},
    Check{"bans-max", check_bans_max},
    Check{"budget", check_budget},
    Check{"flood", check_flood},
    Check{"losses", check_losses},
    Check{"receive-buffer", check_receive_buffer},
    Check{"history", check_history},
    Check{"state", check_state},
    Check{"metrics-file", check_metrics_file},
};

}  // namespace

std::span<const Check> daemon_checks() {
    return kChecks;
}

}  // namespace farewell::doctor

// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration: what it may say (Config), how it is read and what is wrong with it (load_config).
// Sources, later ones winning key by key: the defaults below, the file, conf.d/*.toml beside the file in
// lexical order, --set on the command line. An unknown key or a wrong value is an error with its place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "core/limits.hpp"
#include "nft/trap_text.hpp"

namespace farewell::config {

enum class Mode : std::uint8_t { enforce, observe };
enum class OnStart : std::uint8_t { clear, keep };
enum class OnStop : std::uint8_t { leave, remove };
enum class CaptureSource : std::uint8_t { nfqueue, nflog };
enum class CaptureVerdict : std::uint8_t { drop, accept };
/// Whether the daemon locks itself in: as far as the kernel and the build can, not at all, or entirely or not
/// start.
enum class Sandbox : std::uint8_t { automatic, off, required };
enum class LogLevel : std::uint8_t { error, warning, info, debug };

/// Every key is explained in docs/man/farewell.toml.5.md with its unit, default and price.
struct Config {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order of the manual
    Mode mode = Mode::enforce;

    struct Capture {
        CaptureSource source = CaptureSource::nfqueue;
        std::uint16_t group = 7;  // nflog's
        std::uint16_t first_queue = 0;
        std::uint16_t last_queue = 3;
        std::uint32_t copy_range = 256;             // bytes of each packet that the kernel copies
        std::uint32_t max_length = 8192;            // packets waiting per queue in the kernel
        std::optional<std::size_t> receive_buffer;  // bytes per queue; nullopt: as max_length needs
        CaptureVerdict verdict = CaptureVerdict::drop;
        friend bool operator==(const Capture&, const Capture&) = default;
    } capture;

    struct TrapKeys {
        bool enabled = false;  // then capture.verdict is accept, whatever was said
        nft::Hesitation hesitation = nft::Hesitation::bare;
        std::chrono::nanoseconds hold = std::chrono::seconds(3);
        bool brake = true;                  // by the numbers of [detect]
        std::vector<core::Prefix> forward;  // networks behind this host; none overlapping
        friend bool operator==(const TrapKeys&, const TrapKeys&) = default;
    } trap;

    core::Limits limits;  // [detect] and ban.duration
    std::chrono::nanoseconds remember_services = std::chrono::hours(24);
    OnStart on_start = OnStart::keep;
    OnStop on_stop = OnStop::leave;
    bool cut_connections = false;  // of whoever is banned, out of connection tracking
    std::vector<core::Prefix> allowed_networks;
    bool protect_sessions = true;  // never ban where somebody is logged in from
    std::string nft_table = "port_scanners_auto_ban";
    std::filesystem::path control_socket = "/run/farewell/control.sock";
    std::filesystem::path state_directory = "/var/lib/farewell";
    bool history_enabled = true;
    std::size_t history_size = std::size_t{64} << 20;
    std::chrono::nanoseconds history_age = std::chrono::hours(24 * 90);
    std::filesystem::path metrics_textfile;  // empty: none
    std::chrono::nanoseconds metrics_interval = std::chrono::seconds(15);
    LogLevel log_level = LogLevel::info;
    std::string user = "farewell";  // used when started as root; nobody where it does not exist
    Sandbox sandbox = Sandbox::automatic;

    std::vector<std::filesystem::path> files;  // those that were read, in order

    friend bool operator==(const Config&, const Config&) = default;
};

/// One mistake.
struct ConfigError {
    std::string place;  // "file:line:column", or "--set detect.threshold"
    std::string message;
    /// "farewell.toml:12:13: error: detect.threshold must be …": printable, whatever the file holds.
    [[nodiscard]] std::string text() const;
};

struct ConfigSources {
    std::optional<std::filesystem::path> file;  // must exist when given
    std::vector<std::string> overrides;         // "section.key=value", as --set takes them
};

/// Where the file is looked for when none is named; its absence is no error.
inline constexpr const char* kDefaultConfigFile = "/etc/farewell/farewell.toml";

/// Reads everything and reports all mistakes at once, in the order they stand.
[[nodiscard]] std::expected<Config, std::vector<ConfigError>> load_config(const ConfigSources& sources);

/// Keys whose values differ and that a running daemon cannot take over: they need a restart.
[[nodiscard]] std::vector<std::string> keys_needing_restart(const Config& running, const Config& wanted);

}  // namespace farewell::config

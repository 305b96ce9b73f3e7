// SPDX-License-Identifier: GPL-2.0-or-later
// All that doctor knows of a host when it judges. Values only: gathered by host_facts.cpp, daemon_facts.cpp
// and the command, made up by tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "doctor/delivery_site.hpp"

namespace farewell::doctor {

enum class Answer : std::uint8_t { given, no_permission, unreachable };

/// What the running daemon says of itself.
struct DaemonFacts {
    std::string version;
    int pid = 0;
    bool is_observing = false;
    bool is_logged = false;            ///< packets come from a log group
    std::vector<std::uint16_t> lanes;  ///< numbers of its queues or group
    std::string config_loaded;         ///< RFC 3339, UTC
    std::vector<std::string> config_files;
    std::uint64_t packets = 0;
    std::uint64_t lost = 0;              ///< in socket and queue, and probes that the engine could not take
    std::size_t receive_buffer_min = 0;  ///< bytes
    std::string table;                   ///< "inet port_scanners_auto_ban"
    bool has_trap = false;
    bool is_memory_short = false;
    bool is_budget_spent = false;
    bool is_kernel_refusing = false;
    std::string trouble;
    std::size_t bans_wanted = 0;
    std::size_t bans_enforced = 0;
    std::uint64_t bans_refused = 0;
    bool has_history = false;
    std::string history_trouble;
    std::size_t history_bytes = 0;
    std::size_t history_bytes_max = 0;
    std::string metrics_trouble;
};

struct ConfigFile {
    std::string path;
    std::string modified;  ///< RFC 3339, UTC: compares as text
};

/// Who else has bound a queue or group of ours.
struct ForeignOwner {
    std::uint16_t number = 0;
    int pid = 0;       ///< 0: not known
    std::string name;  ///< empty: not known
};

/// Where this session comes from, and what the daemon says of that address.
struct Peer {
    std::string address;
    std::string protected_by;  ///< "the allowlist", "logged-in peer"; empty: nothing protects it
};

struct StateDirectory {
    bool is_there = false;
    bool is_read_only = false;
    bool is_daemons = true;  ///< belongs to the user that the daemon runs as
    std::uint64_t free_bytes = 0;
};

struct Conntrack {
    std::uint64_t count = 0;
    std::uint64_t max = 0;
};

struct Unit {
    bool is_installed = false;
    bool is_enabled = false;
};

struct Facts {
    bool is_root = false;
    std::string version;  ///< of what is installed, which is us

    // The configuration.
    std::string config_file;               ///< that is read, or would be
    std::optional<config::Config> config;  ///< nullopt: it has mistakes
    std::vector<std::string> config_errors;
    std::vector<ConfigFile> config_files;   ///< that were read
    bool observes_by_command_line = false;  ///< farewelld --observe

    // The daemon.
    Answer answer = Answer::unreachable;
    std::string no_answer;               ///< why
    std::optional<DaemonFacts> daemon;   ///< nullopt: it does not answer
    std::optional<std::size_t> allowed;  ///< networks on its allowlist
    std::optional<Peer> peer;            ///< nullopt: no remote session, or the daemon does not answer

    // The kernel's rules.
    std::optional<std::vector<DeliverySite>> deliveries;  ///< nullopt: they could not be read
    std::string no_ruleset;                               ///< why
    bool has_legacy4 = false;  ///< iptables-legacy has tables too, which nft does not list
    bool has_legacy6 = false;
    bool has_ufw = false;
    bool has_firewalld = false;
    std::vector<ForeignOwner> foreign_owners;

    // The host.
    bool has_ipv6 = false;  ///< an address that others can reach
    bool is_forwarding = false;
    bool has_docker = false;
    std::optional<Conntrack> conntrack;      ///< nullopt: the kernel has none
    std::string flushing_file;               ///< that begins with `flush ruleset`; empty: none
    std::vector<std::string> other_banners;  ///< programs that ban as well, and run
    std::optional<bool> is_clock_synchronised;
    bool has_systemd = false;
    Unit unit;
    StateDirectory state;
};

}  // namespace farewell::doctor

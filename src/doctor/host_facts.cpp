// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/host_facts.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include "doctor/ruleset.hpp"
#include "host/small_file.hpp"
#include "netlink/socket_owner.hpp"
#include "nft/ruleset.hpp"
#include "report/quantity_text.hpp"

namespace farewell::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileMax = std::size_t{1} << 20U;

std::string text_of(const fs::path& file) {
    return host::read_file(file, kFileMax).value_or("");
}

std::uint64_t number_in(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

void gather_ruleset(Facts& facts) {
    const auto listing = nft::list_ruleset();
    if (!listing) {
        facts.no_ruleset = listing.error();
        return;
    }
    const auto ruleset = parse_ruleset(listing->json, listing->text);
    if (!ruleset) {
        facts.no_ruleset = ruleset.error();
        return;
    }
    facts.deliveries = find_deliveries(*ruleset);
    facts.has_ufw = ruleset->has_chain("ufw-user-input") || ruleset->has_chain("ufw6-user-input");
    facts.has_firewalld = ruleset->has_table("firewalld");
    facts.has_docker = ruleset->has_chain("DOCKER");
}

/// Queues or group that somebody else has.
void gather_owners(Facts& facts) {
    if (!facts.config && !facts.daemon) {
        return;
    }
    bool is_logged = false;
    std::vector<std::uint16_t> numbers;
    if (facts.daemon) {
        is_logged = facts.daemon->is_logged;
        numbers = facts.daemon->lanes;
    } else {
        const config::Config::Capture& capture = facts.config->capture;
        is_logged = capture.source == config::CaptureSource::nflog;
        const unsigned first = is_logged ? capture.group : capture.first_queue;
        const unsigned last = is_logged ? capture.group : capture.last_queue;
        for (unsigned number = first; number <= last; ++number) {
            numbers.push_back(static_cast<std::uint16_t>(number));
        }
    }
    for (const std::uint16_t number : numbers) {
        const auto owner =
            netlink::find_socket_owner(is_logged ? "nfnetlink_log" : "nfnetlink_queue", number, 0);
        // Of one whose process is not known it cannot be told that it is not the daemon.
        if (!owner || (facts.daemon && owner->pid.value_or(facts.daemon->pid) == facts.daemon->pid)) {
            continue;
        }
        facts.foreign_owners.push_back(
            {.number = number, .pid = owner->pid.value_or(0), .name = owner->name});
    }
}

bool has_global_ipv6() {
    // Address, index, prefix length, scope, flags, name; scope 00 is global.
    std::istringstream table(text_of("/proc/thread-self/net/if_inet6"));
    std::string address;
    std::string index;
    std::string length;
    std::string scope;
    std::string rest;
    while (table >> address >> index >> length >> scope && std::getline(table, rest)) {
        if (scope == "00") {
            return true;
        }
    }
    return false;
}

void gather_network(Facts& facts) {
    facts.has_legacy4 = !text_of("/proc/thread-self/net/ip_tables_names").empty();
    facts.has_legacy6 = !text_of("/proc/thread-self/net/ip6_tables_names").empty();
    facts.has_ipv6 = has_global_ipv6();
    facts.is_forwarding = number_in(text_of("/proc/sys/net/ipv4/ip_forward")) == 1 ||
                          number_in(text_of("/proc/sys/net/ipv6/conf/all/forwarding")) == 1;
    const std::uint64_t max = number_in(text_of("/proc/sys/net/netfilter/nf_conntrack_max"));
    if (max > 0) {
        facts.conntrack =
            Conntrack{.count = number_in(text_of("/proc/sys/net/netfilter/nf_conntrack_count")), .max = max};
    }
}

void gather_other_banners(Facts& facts) {
    // The kernel keeps fifteen bytes of a name.
    struct Known {
        std::string_view comm;
        const char* name;
    };
    constexpr std::array kKnown{
        Known{"fail2ban-server", "fail2ban"}, Known{"crowdsec-firewa", "crowdsec-firewall-bouncer"},
        Known{"sshguard", "sshguard"}, Known{"portsentry", "portsentry"}, Known{"psad", "psad"}};
    std::set<std::string> found;
    std::error_code error;
    for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().filename().string().find_first_not_of("0123456789") != std::string::npos) {
            continue;
        }
        const std::string comm = text_of(entry->path() / "comm");
        const auto known = std::ranges::find_if(
            kKnown, [&comm](const Known& each) { return comm == std::string(each.comm) + "\n"; });
        if (known != kKnown.end()) {
            found.insert(known->name);
        }
    }
    facts.other_banners.assign(found.begin(), found.end());
}

/// Comments do not count.
bool flushes_ruleset(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
        const std::size_t begin = line.find_first_not_of(" \t");
        if (begin != std::string::npos && line.compare(begin, 13, "flush ruleset") == 0) {
            return true;
        }
    }
    return false;
}

void gather_systemd(Facts& facts) {
    constexpr const char* kUnit = "farewell.service";
    facts.has_systemd = is_there("/run/systemd/system");
    for (const char* folder : {"/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system",
                               "/usr/local/lib/systemd/system"}) {
        facts.unit.is_installed = facts.unit.is_installed || is_there(fs::path(folder) / kUnit);
    }
    struct stat link{};
    facts.unit.is_enabled =
        lstat((fs::path("/etc/systemd/system/multi-user.target.wants") / kUnit).c_str(), &link) == 0;
}

/// The user that a process runs as: the first number of "Uid:".
std::optional<uid_t> user_of(int pid) {
    const std::string status = text_of(fs::path("/proc") / std::to_string(pid) / "status");
    const std::size_t at = status.find("\nUid:\t");
    if (at == std::string::npos) {
        return std::nullopt;
    }
    return static_cast<uid_t>(number_in(status.substr(at + 6)));
}

void gather_state(Facts& facts) {
    if (!facts.config) {
        return;
    }
    const std::string directory = facts.config->state_directory.string();
    struct stat status{};
    struct statvfs room{};
    if (stat(directory.c_str(), &status) != 0 || statvfs(directory.c_str(), &room) != 0) {
        return;
    }
    const auto user = facts.daemon ? user_of(facts.daemon->pid) : std::nullopt;
    facts.state = {.is_there = true,
                   .is_read_only = (room.f_flag & ST_RDONLY) != 0,
                   .is_daemons = !user || *user == status.st_uid,
                   .free_bytes = std::uint64_t{room.f_bavail} * room.f_frsize};
}

void gather_clock(Facts& facts) {
    timex question{};  // modes = 0: reads only
    const int state = adjtimex(&question);
    if (state >= 0) {
        facts.is_clock_synchronised = state != TIME_ERROR && (question.status & STA_UNSYNC) == 0;
    }
}

}  // namespace

void gather_host(Facts& facts) {
    constexpr const char* kNftablesFile = "/etc/nftables.conf";
    facts.is_root = geteuid() == 0;
    gather_ruleset(facts);
    gather_owners(facts);
    gather_network(facts);
    gather_other_banners(facts);
    gather_systemd(facts);
    gather_state(facts);
    gather_clock(facts);
    if (flushes_ruleset(text_of(kNftablesFile))) {
        facts.flushing_file = kNftablesFile;
    }
}

void gather_config_files(Facts& facts) {
    if (!facts.config) {
        return;
    }
    for (const fs::path& file : facts.config->files) {
        struct stat status{};
        if (stat(file.c_str(), &status) != 0) {
            continue;
        }
        const auto modified = std::chrono::system_clock::time_point(
            std::chrono::seconds(status.st_mtim.tv_sec) +
            std::chrono::duration_cast<std::chrono::system_clock::duration>(
                std::chrono::nanoseconds(status.st_mtim.tv_nsec)));
        facts.config_files.push_back({.path = file.string(), .modified = report::to_rfc3339(modified)});
    }
}

std::vector<std::string> arguments_of(int pid) {
    std::vector<std::string> arguments;
    std::istringstream words(text_of(fs::path("/proc") / std::to_string(pid) / "cmdline"));
    std::string word;
    std::getline(words, word, '\0');  // the program
    while (std::getline(words, word, '\0')) {
        arguments.push_back(word);
    }
    return arguments;
}

}  // namespace farewell::doctor

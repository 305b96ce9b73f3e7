// SPDX-License-Identifier: MIT
#include "netlink/socket_owner.hpp"

#include <linux/netlink.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace farewell::netlink {
namespace {

/// The inode of the netfilter netlink socket bound to `portid` in this network namespace.
std::optional<std::string> inode_of(std::uint32_t portid) {
    std::ifstream table("/proc/thread-self/net/netlink");  // of this thread's network namespace
    std::string line;
    std::getline(table, line);  // the heading
    while (std::getline(table, line)) {
        // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
        std::istringstream fields(line);
        std::string socket;
        std::string word;
        std::uint32_t protocol = 0;
        std::uint32_t port = 0;
        std::string inode;
        if (!(fields >> socket >> protocol >> port)) {
            continue;
        }
        while (fields >> word) {
            inode = word;
        }
        if (protocol == NETLINK_NETFILTER && port == portid) {
            return inode;
        }
    }
    return std::nullopt;
}

bool holds_socket(const std::filesystem::path& process, const std::string& inode) {
    const std::string wanted = "socket:[" + inode + "]";
    std::error_code error;
    for (std::filesystem::directory_iterator entry(process / "fd", error), end; !error && entry != end;
         entry.increment(error)) {
        std::error_code unreadable;
        if (std::filesystem::read_symlink(entry->path(), unreadable) == wanted) {
            return true;
        }
    }
    return false;
}

std::string name_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(file, name);
    return name;
}

/// Whoever has the socket open, as far as we may look into /proc/PID/fd.
std::optional<int> holder_of(const std::string& inode) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        int pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size() &&
            holds_socket(entry->path(), inode)) {
            return pid;
        }
    }
    return std::nullopt;
}

/// The port id is the pid for the first netlink socket of a process and a random number for the others, above
/// any pid (netlink_autobind). So a process of that number is a good guess where /proc/PID/fd is closed to
/// us.
std::optional<int> process_of(std::uint32_t portid) {
    if (const auto inode = inode_of(portid)) {
        if (const auto holder = holder_of(*inode)) {
            return holder;
        }
    }
    constexpr std::uint32_t kPidMax = 4'194'304;  // PID_MAX_LIMIT
    if (portid == 0 || portid > kPidMax || name_of(static_cast<int>(portid)).empty()) {
        return std::nullopt;
    }
    return static_cast<int>(portid);
}

}  // namespace

std::optional<SocketOwner> find_socket_owner(const std::string& subsystem, std::uint16_t number,
                                             std::uint32_t own_portid) {
    // /proc/net would show the network namespace of the process' first thread. Only root may read it.
    std::ifstream table("/proc/thread-self/net/netfilter/" + subsystem);
    std::string line;
    while (std::getline(table, line)) {
        // Both files begin with the number and the port id (seq_show of nfnetlink_queue.c, nfnetlink_log.c).
        std::istringstream fields(line);
        std::uint32_t bound = 0;
        std::uint32_t portid = 0;
        if (fields >> bound >> portid && bound == number && portid != own_portid) {
            SocketOwner owner{.portid = portid, .pid = process_of(portid), .name = {}};
            if (owner.pid) {
                owner.name = name_of(*owner.pid);
            }
            return owner;
        }
    }
    return std::nullopt;
}

}  // namespace farewell::netlink

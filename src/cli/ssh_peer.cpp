// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/ssh_peer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "report/address_text.hpp"

namespace farewell::cli {
namespace {

constexpr std::string_view kVariable = "SSH_CONNECTION=";
constexpr int kAncestorsMax = 32;

/// Of "192.0.2.7 51234 198.51.100.1 22".
std::optional<core::Address> far_end(std::string_view connection) {
    std::string_view address = connection.substr(0, connection.find(' '));
    constexpr std::string_view kMapped = "::ffff:";
    if (address.starts_with(kMapped) && address.find('.') != std::string_view::npos) {
        address.remove_prefix(kMapped.size());
    }
    address = address.substr(0, address.find('%'));  // a link-local one comes with its interface
    return report::parse_address(address);
}

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<core::Address> peer_of(pid_t process) {
    const std::string environment = content(fmt::format("/proc/{}/environ", process));
    std::string_view rest = environment;
    while (!rest.empty()) {
        const std::string_view variable = rest.substr(0, rest.find('\0'));
        if (variable.starts_with(kVariable)) {
            return far_end(variable.substr(kVariable.size()));
        }
        rest.remove_prefix(std::min(variable.size() + 1, rest.size()));
    }
    return std::nullopt;
}

/// 0 if there is none. proc_pid_stat(5): the name in parentheses may hold anything, so it is skipped from
/// behind.
pid_t parent_of(pid_t process) {
    const std::string stat = content(fmt::format("/proc/{}/stat", process));
    const std::size_t name_end = stat.rfind(')');
    constexpr std::size_t kToParent = 4;  // ") S "
    if (name_end == std::string::npos || name_end + kToParent >= stat.size()) {
        return 0;
    }
    pid_t parent = 0;
    std::from_chars(stat.data() + name_end + kToParent, stat.data() + stat.size(), parent);
    return parent;
}

}  // namespace

std::optional<core::Address> ssh_peer() {
    const char* own = std::getenv("SSH_CONNECTION");  // NOLINT(concurrency-mt-unsafe): one thread
    if (own != nullptr) {
        return far_end(own);
    }
    pid_t process = getppid();
    for (int i = 0; i < kAncestorsMax && process > 0; ++i) {
        if (const auto peer = peer_of(process)) {
            return peer;
        }
        process = parent_of(process);
    }
    return std::nullopt;
}

}  // namespace farewell::cli

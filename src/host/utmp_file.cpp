// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/utmp_file.hpp"

#include <utmpx.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>

namespace farewell::host {
namespace {

std::optional<core::Address> specified(const core::Address& address) {
    return address.is_unspecified() ? std::nullopt : std::optional(address);
}

/// The far end as its four words have it: IPv4 alone in the first one. The unspecified address of either
/// family, mapped too, is what a session without one has.
std::optional<core::Address> address_of(const utmpx& record) {
    std::array<std::byte, 16> bytes{};
    static_assert(sizeof record.ut_addr_v6 == sizeof bytes);
    std::memcpy(bytes.data(), &record.ut_addr_v6, sizeof bytes);
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    const std::span<const std::byte, 16> all(bytes);
    if (std::ranges::all_of(all.subspan<4>(), is_zero)) {
        return specified(core::Address::ipv4(all.first<4>()));
    }
    constexpr std::byte kOnes{0xff};
    const bool is_mapped =
        std::ranges::all_of(all.first<10>(), is_zero) && bytes[10] == kOnes && bytes[11] == kOnes;
    return specified(is_mapped ? core::Address::ipv4(all.last<4>()) : core::Address::ipv6(all));
}

/// Terminals write ":0" or "tmux(4711).%0" where the host would be.
bool is_host_name(std::string_view text) {
    const auto is_of_name = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' || letter == '_';
    };
    return !text.empty() && text != "localhost" && std::ranges::all_of(text, is_of_name);
}

std::optional<RemoteSession> session_of(const utmpx& record) {
    const auto* const end = std::ranges::find(record.ut_host, '\0');
    RemoteSession session{.host = std::string(std::begin(record.ut_host), end),
                          .address = address_of(record)};
    if (!session.address) {
        // mosh-server writes "192.0.2.7 via mosh [4711]".
        session.address = parse_far_end(std::string_view(session.host).substr(0, session.host.find(' ')));
    }
    if (!session.address && !is_host_name(session.host)) {
        return std::nullopt;
    }
    return session;
}

}  // namespace

std::vector<RemoteSession> parse_utmp(std::string_view bytes, const std::function<bool(int)>& is_alive) {
    std::vector<RemoteSession> sessions;
    for (; bytes.size() >= sizeof(utmpx); bytes.remove_prefix(sizeof(utmpx))) {
        utmpx record{};
        std::memcpy(&record, bytes.data(), sizeof record);
        if (record.ut_type != USER_PROCESS) {
            continue;
        }
        auto session = session_of(record);
        if (session && is_alive(record.ut_pid)) {
            sessions.push_back(std::move(*session));
        }
    }
    return sessions;
}

}  // namespace farewell::host

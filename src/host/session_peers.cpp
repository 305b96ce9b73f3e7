// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/session_peers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farewell::host {

void SessionPeers::on_sessions(std::span<const RemoteSession> sessions, std::span<const core::Address> own,
                               core::Time now) {
    bool is_full = false;
    for (const RemoteSession& session : sessions) {
        if (!session.address || session.address->is_loopback() || session.address->is_unspecified() ||
            std::ranges::binary_search(own, *session.address)) {
            continue;
        }
        if (last_seen_.size() < kAddressesMax || last_seen_.contains(*session.address)) {
            last_seen_[*session.address] = now;
        } else {
            is_full = true;
        }
    }
    std::erase_if(last_seen_, [now](const auto& peer) { return now - peer.second >= kAfterLogout; });
    addresses_.clear();
    for (const auto& [address, seen] : last_seen_) {
        addresses_.push_back(address);
    }
    trouble_ = trouble_of(sessions, is_full);
}

void SessionPeers::clear() {
    last_seen_.clear();
    addresses_.clear();
    trouble_.clear();
}

std::string SessionPeers::trouble_of(std::span<const RemoteSession> sessions, bool is_full) const {
    if (is_full) {
        return fmt::format("more than {} addresses have sessions here: some of them can be banned",
                           kAddressesMax);
    }
    for (const RemoteSession& session : sessions) {
        // utmp has the address where sshd has looked up a name and logind has only that.
        const bool is_known = std::ranges::any_of(sessions, [&session](const RemoteSession& other) {
            return other.address && other.host == session.host;
        });
        if (!is_known) {
            return fmt::format(
                "a session from {} is recorded by name alone: its address can be banned; for sshd: UseDNS no",
                session.host);
        }
    }
    return "";
}

}  // namespace farewell::host

// SPDX-License-Identifier: GPL-2.0-or-later
// From which addresses somebody is logged in, or was a moment ago. Pure: it is told sessions and the time.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "core/time.hpp"
#include "host/remote_session.hpp"

namespace farewell::host {

class SessionPeers {
 public:
    /// What is there now; `own`: addresses of this host, sorted.
    void on_sessions(std::span<const RemoteSession> sessions, std::span<const core::Address> own,
                     core::Time now);
    void clear();

    /// Sorted, without loopback and own addresses.
    [[nodiscard]] const std::vector<core::Address>& addresses() const { return addresses_; }
    /// Which session's far end cannot be known, in a sentence; empty if all are.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

    /// So long after the last logout: who loses the line and comes back must not meet a ban.
    static constexpr std::chrono::minutes kAfterLogout{10};
    static constexpr std::size_t kAddressesMax = 1024;

 private:
    [[nodiscard]] std::string trouble_of(std::span<const RemoteSession> sessions, bool is_full) const;

    std::map<core::Address, core::Time> last_seen_;
    std::vector<core::Address> addresses_;
    std::string trouble_;
};

}  // namespace farewell::host

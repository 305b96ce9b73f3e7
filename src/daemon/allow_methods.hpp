// SPDX-License-Identifier: GPL-2.0-or-later
// The allowlist as clients see and change it: what the configuration has, what was added by hand, and whom
// this host never bans for what they are.
//
// Use:       one instance, for as long as the control server runs. Threads: the control thread's.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/address.hpp"
#include "daemon/allowlist_file.hpp"
#include "daemon/control_server.hpp"
#include "daemon/engine_loop.hpp"

namespace farewell::daemon {

class AllowMethods {
 public:
    /// `configured`: allow.networks as it is in force.
    AllowMethods(EngineLoop& loop, AllowlistFile& by_hand,
                 std::function<const std::vector<core::Prefix>&()> configured);

    void list(ControlServer::Answer answer);
    void add(const nlohmann::json& parameters, ControlServer::Answer answer);
    void remove(const nlohmann::json& parameters, ControlServer::Answer answer);

    /// Both together.
    [[nodiscard]] std::vector<core::Prefix> networks() const;
    /// The entry that an address is allowed by, as list() shows it; null if by none.
    [[nodiscard]] nlohmann::json entry_of(const core::Address& address) const;

 private:
    void put_in_force(nlohmann::json document, ControlServer::Answer answer);

    EngineLoop& loop_;
    AllowlistFile& by_hand_;
    std::function<const std::vector<core::Prefix>&()> configured_;
};

}  // namespace farewell::daemon

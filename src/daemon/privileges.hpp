// SPDX-License-Identifier: GPL-2.0-or-later
// Giving up what is not needed: from root to an ordinary user who keeps CAP_NET_ADMIN and nothing else.
#pragma once

#include <expected>
#include <string>

namespace farewell::daemon {

/// Whether this process may speak to nfnetlink at all (CAP_NET_ADMIN in the effective set).
[[nodiscard]] bool has_net_admin();
[[nodiscard]] bool is_root();

struct User {
    std::string name;
    unsigned uid = 0;
    unsigned gid = 0;
};
/// The user to run as: `name`, or nobody where it does not exist.
[[nodiscard]] std::expected<User, std::string> find_user(const std::string& name);

/// Changes this process to `user` with CAP_NET_ADMIN as its only capability (permitted and effective, none
/// inheritable, bounding set emptied) and sets no_new_privs. Call it before any thread is started:
/// capabilities belong to threads (capabilities(7)).
[[nodiscard]] std::expected<void, std::string> become(const User& user);
/// Started as an ordinary user (by a service manager): drops all other capabilities, sets no_new_privs.
[[nodiscard]] std::expected<void, std::string> keep_only_net_admin();

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/privileges.hpp"

#include <cap-ng.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "report/errno_text.hpp"

namespace farewell::daemon {
namespace {

void want_net_admin_alone() {
    capng_clear(CAPNG_SELECT_BOTH);
    capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN);
}

bool holds_net_admin_alone() {
    for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability) {
        const bool is_held = capng_have_capability(CAPNG_PERMITTED, capability) != 0;
        if (is_held != (capability == CAP_NET_ADMIN)) {
            return false;
        }
    }
    return true;
}

std::expected<void, std::string> forbid_new_privileges() {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return std::unexpected(fmt::format("set no_new_privs: {}", report::errno_text(errno)));
    }
    return {};
}

}  // namespace

bool has_net_admin() {
    capng_get_caps_process();
    return capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0;
}

bool is_root() {
    return geteuid() == 0;
}

std::expected<User, std::string> find_user(const std::string& name) {
    for (const std::string& candidate : {name, std::string("nobody")}) {
        if (const passwd* entry = getpwnam(candidate.c_str())) {
            if (entry->pw_uid == 0) {
                return std::unexpected(fmt::format("user {} is root", candidate));
            }
            return User{.name = candidate, .uid = entry->pw_uid, .gid = entry->pw_gid};
        }
    }
    return std::unexpected(fmt::format("neither user {} nor nobody exists", name));
}

std::expected<void, std::string> become(const User& user) {
    capng_get_caps_process();
    want_net_admin_alone();
    const int changed =
        capng_change_id(static_cast<int>(user.uid), static_cast<int>(user.gid),
                        static_cast<capng_flags_t>(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
    if (changed != 0) {
        return std::unexpected(fmt::format(
            "change to user {} with CAP_NET_ADMIN alone (capng_change_id gave {})", user.name, changed));
    }
    return forbid_new_privileges();
}

std::expected<void, std::string> keep_only_net_admin() {
    capng_get_caps_process();
    if (holds_net_admin_alone()) {  // as a systemd unit grants it, whose filter may not allow capset(2)
        return forbid_new_privileges();
    }
    want_net_admin_alone();
    // The bounding set can only be emptied with CAP_SETPCAP, which an ordinary user rarely has; no_new_privs
    // makes it meaningless anyway.
    if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
        return std::unexpected(
            fmt::format("drop all capabilities but CAP_NET_ADMIN: {}", report::errno_text(errno)));
    }
    return forbid_new_privileges();
}

}  // namespace farewell::daemon

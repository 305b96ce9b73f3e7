// SPDX-License-Identifier: GPL-2.0-or-later
// sd-login(3): reads what systemd-logind writes down in /run/systemd, which everybody may.
#include <systemd/sd-login.h>

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "host/login_records.hpp"
#include "report/errno_text.hpp"

namespace farewell::host {
namespace {

struct Free {
    void operator()(void* memory) const { std::free(memory); }  // NOLINT: what sd-login allocates
};
template <typename Value>
using Owned = std::unique_ptr<Value, Free>;

using Question = int (*)(const char* session, char** answer);

/// nullopt: the session has gone meanwhile, or has none.
std::optional<std::string> ask(Question question, const char* session) {
    char* answer = nullptr;
    if (question(session, &answer) < 0 || answer == nullptr) {
        return std::nullopt;
    }
    return std::string(Owned<char>(answer).get());
}

std::optional<RemoteSession> session_of(const char* session) {
    if (sd_session_is_remote(session) <= 0) {
        return std::nullopt;
    }
    // "closing": logged out, and only processes like a terminal multiplexer are left.
    if (ask(sd_session_get_state, session) == "closing") {
        return std::nullopt;
    }
    const auto host = ask(sd_session_get_remote_host, session);
    if (!host || host->empty()) {
        return std::nullopt;
    }
    return RemoteSession{.host = *host, .address = parse_far_end(*host)};
}

}  // namespace

LoginRecords read_logind() {
    char** list = nullptr;
    const int count = sd_get_sessions(&list);
    const Owned<char*> owner(list);
    if (count < 0) {
        return {.sessions = {},
                .trouble = fmt::format("ask logind for its sessions: {}", report::errno_text(-count))};
    }
    LoginRecords records;
    for (int i = 0; i < count; ++i) {
        const Owned<char> session(list[i]);  // NOLINT(cppcoreguidelines-pro-bounds-pointer-arithmetic)
        if (auto remote = session_of(session.get())) {
            records.sessions.push_back(std::move(*remote));
        }
    }
    return records;
}

}  // namespace farewell::host

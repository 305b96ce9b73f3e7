// SPDX-License-Identifier: GPL-2.0-or-later
// The edge: the remote sessions of this moment. logind is asked where it was built in, and utmp is read where
// there is one: a server that knows only one of the two is known by it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/remote_session.hpp"

namespace farewell::host {

struct LoginRecords {
    std::vector<RemoteSession> sessions;
    std::string trouble;  ///< why some may be missing, in a sentence; empty: none
};

/// Costs a few small files a session.
[[nodiscard]] LoginRecords read_login_records(const std::filesystem::path& utmp);

/// logind's part alone; without it at build: nothing, and no trouble.
[[nodiscard]] LoginRecords read_logind();

}  // namespace farewell::host

// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/login_records.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iterator>

#include "host/small_file.hpp"
#include "host/utmp_file.hpp"
#include "report/errno_text.hpp"

namespace farewell::host {
namespace {

constexpr std::size_t kUtmpBytesMax = std::size_t{4} << 20;  // ten thousand sessions

bool is_alive(int process) {
    return process > 0 && (kill(process, 0) == 0 || errno != ESRCH);
}

}  // namespace

LoginRecords read_login_records(const std::filesystem::path& utmp) {
    LoginRecords records = read_logind();
    const auto bytes = read_file(utmp, kUtmpBytesMax);
    if (bytes) {
        auto sessions = parse_utmp(*bytes, is_alive);
        records.sessions.insert(records.sessions.end(), std::make_move_iterator(sessions.begin()),
                                std::make_move_iterator(sessions.end()));
    } else if (bytes.error() != ENOENT) {  // newer systems have none
        records.trouble = fmt::format("read {}: {}", utmp.string(), report::errno_text(bytes.error()));
    }
    return records;
}

}  // namespace farewell::host

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/file_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "report/errno_text.hpp"

namespace farewell::cli {
namespace {

namespace fs = std::filesystem;

std::unexpected<std::string> failure(std::string_view operation, const std::string& path, int reason) {
    return std::unexpected(fmt::format("{} {}: {}", operation, path, report::errno_text(reason)));
}

/// 0 or errno.
int write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = write(fd, content.data(), content.size());
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        content.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    return 0;
}

/// Closing can be what tells that the disk is full.
int write_and_close(int fd, std::string_view content) {
    const int reason = write_all(fd, content);
    return close(fd) != 0 && reason == 0 ? errno : reason;
}

std::expected<void, std::string> write_in_place(const std::string& path, std::string_view content) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);  // NOLINT(*-vararg)
    if (fd < 0) {
        return failure("open", path, errno);
    }
    if (const int reason = write_and_close(fd, content); reason != 0) {
        return failure("write", path, reason);
    }
    return {};
}

/// As open(2) would have made it; mkostemp makes files for their owner alone.
int give_usual_mode(int fd) {
    const mode_t mask = umask(0);
    umask(mask);
    return fchmod(fd, 0666 & ~mask) == 0 ? 0 : errno;
}

}  // namespace

std::expected<void, std::string> write_file(const std::string& path, std::string_view content) {
    if (path == "-") {
        const int reason = write_all(STDOUT_FILENO, content);
        return reason == 0 ? std::expected<void, std::string>()
                           : failure("write to", "standard output", reason);
    }
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        return write_in_place(path, content);
    }
    std::string target = path;
    if (fs::exists(status)) {
        const fs::path whole = fs::canonical(path, error);
        target = error ? path : whole.string();
    }
    std::string temporary = target + ".XXXXXX";
    const int fd = mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0) {
        return failure("create", path, errno);
    }
    int reason = give_usual_mode(fd);
    const int written = write_and_close(fd, content);
    reason = reason == 0 ? written : reason;
    if (reason == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) {
        reason = errno;
    }
    if (reason != 0) {
        unlink(temporary.c_str());
        return failure("write", path, reason);
    }
    return {};
}

}  // namespace farewell::cli

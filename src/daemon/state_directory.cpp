// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/state_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "report/errno_text.hpp"

namespace farewell::daemon {
namespace {

/// The pid that the holder of the lock wrote down; "?" if it did not get that far.
std::string written_pid(int fd) {
    std::array<char, 16> text{};
    const ssize_t length = pread(fd, text.data(), text.size(), 0);
    const std::string_view digits(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    const std::size_t end = digits.find_first_not_of("0123456789");
    return digits.empty() || end == 0 ? "?" : std::string(digits.substr(0, end));
}

}  // namespace

std::expected<StateDirectory, std::string> StateDirectory::open(const std::filesystem::path& path) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path, error);
    if (error) {
        return std::unexpected(
            fmt::format("make state.directory {}: {}; choose another by --set state.directory=/…",
                        path.string(), error.message()));
    }
    if (made) {
        std::filesystem::permissions(path, std::filesystem::perms(0750), error);
    }
    const std::filesystem::path file = path / "farewelld.lock";
    int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0 && (errno == EROFS || errno == ENOSPC || errno == EDQUOT)) {
        // A disk that takes no file is no reason not to ban: the directory itself can be locked as well.
        fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0) {
        return std::unexpected(fmt::format("open {}: {}", file.string(), report::errno_text(errno)));
    }
    StateDirectory directory(path, fd);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return std::unexpected(fmt::format(
            "another farewelld (pid {}) uses state.directory {}; stop it, or give this one its own: "
            "--set state.directory=/… --set control.socket=/…",
            written_pid(fd), path.string()));
    }
    // Only told to another one that wants the lock, so a full disk may keep it from being written.
    const std::string pid = fmt::format("{}\n", getpid());
    [[maybe_unused]] const bool is_written =
        ftruncate(fd, 0) == 0 && pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
    return directory;
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

StateDirectory::~StateDirectory() {
    if (lock_fd_ >= 0) {
        close(lock_fd_);
    }
}

void StateDirectory::give_to(unsigned uid, unsigned gid) const {
    // Failing leaves it to root: the next start, which is root's too, still works.
    [[maybe_unused]] const int directory = chown(path_.c_str(), uid, gid);
    [[maybe_unused]] const int file = fchown(lock_fd_, uid, gid);
}

}  // namespace farewell::daemon

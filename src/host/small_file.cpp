// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace farewell::host {
namespace {

/// An open file that is closed in the end.
class OpenFile {
 public:
    OpenFile(const std::filesystem::path& path, int flags)
        : fd_(open(path.c_str(), flags | O_CLOEXEC, 0640)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    [[nodiscard]] int get() const { return fd_; }

 private:
    int fd_;
};

int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    return fdatasync(fd) == 0 ? 0 : errno;
}

}  // namespace

std::expected<std::string, int> read_file(const std::filesystem::path& path, std::size_t most) {
    const OpenFile file(path, O_RDONLY | O_NONBLOCK);  // a pipe in its place must not hold us up
    if (file.get() < 0) {
        return std::unexpected(errno);
    }
    std::string text;
    std::array<char, 4096> part{};
    while (true) {
        const ssize_t length = read(file.get(), part.data(), part.size());
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return std::unexpected(errno);
        }
        if (length == 0) {
            return text;
        }
        text.append(part.data(), static_cast<std::size_t>(length));
        if (text.size() > most) {
            return std::unexpected(EFBIG);
        }
    }
}

int replace_file(const std::filesystem::path& path, std::string_view text, Readers readers) {
    std::filesystem::path beside = path;
    beside += ".new";
    int reason = 0;
    {
        const OpenFile file(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
        reason = file.get() < 0 ? errno : write_all(file.get(), text);
        if (reason == 0 && readers == Readers::everybody &&
            fchmod(file.get(), S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) != 0) {
            reason = errno;
        }
    }
    if (reason == 0 && std::rename(beside.c_str(), path.c_str()) != 0) {
        reason = errno;
    }
    if (reason != 0) {
        unlink(beside.c_str());
    }
    return reason;
}

}  // namespace farewell::host

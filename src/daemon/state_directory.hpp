// SPDX-License-Identifier: GPL-2.0-or-later
// The directory that belongs to one running farewelld: made if missing, locked against a second one.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

namespace farewell::daemon {

class StateDirectory {
 public:
    /// Makes the directory (0750) where missing and takes the lock in it; the kernel lets the lock go when
    /// the process ends, however it ends. The error is a sentence with the next step and the other's pid.
    [[nodiscard]] static std::expected<StateDirectory, std::string> open(const std::filesystem::path& path);
    StateDirectory(StateDirectory&& other) noexcept;
    StateDirectory& operator=(StateDirectory&&) = delete;
    ~StateDirectory();

    /// Gives directory and lock file to the user the daemon will run as.
    void give_to(unsigned uid, unsigned gid) const;

 private:
    StateDirectory(std::filesystem::path path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
    std::filesystem::path path_;
    int lock_fd_ = -1;
};

}  // namespace farewell::daemon

// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/file_fence.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "report/errno_text.hpp"

namespace farewell::daemon {
namespace {

// Newer than some kernels' headers: since ABI 2 and 3.
constexpr std::uint64_t kRefer = 1ULL << 13;
constexpr std::uint64_t kTruncate = 1ULL << 14;

constexpr std::uint64_t kNowhere =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
constexpr std::uint64_t kBelow = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM;

std::unexpected<std::string> failure(std::string_view operation) {
    return std::unexpected(fmt::format("fence off files: {}: {}", operation, report::errno_text(errno)));
}

class Descriptor {
 public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    [[nodiscard]] int get() const { return fd_; }

 private:
    int fd_;
};

// The C library has no wrappers for these.
int create_ruleset(const landlock_ruleset_attr* attributes, std::size_t size, std::uint32_t flags) {
    return static_cast<int>(syscall(SYS_landlock_create_ruleset, attributes, size, flags));
}

/// What of the rights this kernel knows.
std::uint64_t changeable(int abi) {
    return kBelow | (abi >= 2 ? kRefer : 0) | (abi >= 3 ? kTruncate : 0);
}

}  // namespace

std::expected<void, std::string> write_only_below(std::span<const std::filesystem::path> directories) {
    const int abi = create_ruleset(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        return failure("ask for Landlock");
    }
    const landlock_ruleset_attr attributes{.handled_access_fs = changeable(abi) | kNowhere};
    const Descriptor ruleset(create_ruleset(&attributes, sizeof attributes, 0));
    if (ruleset.get() < 0) {
        return failure("make a ruleset");
    }
    for (const std::filesystem::path& path : directories) {
        const Descriptor directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        const landlock_path_beneath_attr beneath{.allowed_access = changeable(abi),
                                                 .parent_fd = directory.get()};
        if (directory.get() < 0 ||
            syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) {
            return failure("open " + path.string());
        }
    }
    if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
        return failure("restrict this process");
    }
    return {};
}

}  // namespace farewell::daemon

// SPDX-License-Identifier: MIT
#include <farewell/nfq/kernel_stats.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <utility>

#include "netlink/errors.hpp"
#include "netlink/network_namespace.hpp"

namespace farewell::nfq {
namespace {

// /proc/net would show the network namespace of the process' first thread, which need not be this thread's.
constexpr const char* kFile = "/proc/thread-self/net/netfilter/nfnetlink_queue";

Error failure(const char* operation) {
    Error error = netlink::system_error(std::string(operation) + " " + kFile, errno);
    if (error.errno_number == ENOENT) {
        error.kind = ErrorKind::not_supported;
        error.lacking = "nfnetlink_queue";
    }
    return error;
}

/// Takes a number off the front, past blanks.
bool take_number(std::string_view& text, std::uint64_t& number) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) {
        return false;
    }
    text.remove_prefix(begin);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

}  // namespace

std::vector<KernelQueueStats> parse_kernel_stats(std::string_view text) {
    std::vector<KernelQueueStats> queues;
    while (!text.empty()) {
        const std::size_t length = text.find('\n');
        std::string_view line = text.substr(0, length);
        text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
        std::array<std::uint64_t, 8> fields{};
        bool complete = true;
        for (std::uint64_t& field : fields) {
            complete = complete && take_number(line, field);
        }
        if (!complete) {
            continue;
        }
        queues.push_back({.number = static_cast<std::uint16_t>(fields[0]),
                          .portid = static_cast<std::uint32_t>(fields[1]),
                          .waiting = static_cast<std::uint32_t>(fields[2]),
                          .copy_mode = static_cast<std::uint32_t>(fields[3]),
                          .copy_range = static_cast<std::uint32_t>(fields[4]),
                          .queue_dropped = fields[5],
                          .user_dropped = fields[6],
                          .last_id = static_cast<std::uint32_t>(fields[7])});
    }
    return queues;
}

std::expected<KernelStatsReader, Error> KernelStatsReader::open(std::optional<int> netns_fd) {
    int fd = -1;
    int reason = 0;
    const int entered = netlink::in_network_namespace(netns_fd, [&fd, &reason] {
        fd = ::open(kFile, O_RDONLY | O_CLOEXEC);
        reason = errno;  // errno is a thread's own
    });
    if (fd < 0) {
        errno = entered != 0 ? entered : reason;
        return std::unexpected(failure("open"));
    }
    return KernelStatsReader(fd);
}

KernelStatsReader::KernelStatsReader(KernelStatsReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

KernelStatsReader& KernelStatsReader::operator=(KernelStatsReader&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

KernelStatsReader::~KernelStatsReader() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

std::expected<std::vector<KernelQueueStats>, Error> KernelStatsReader::read() const {
    std::string text;
    std::array<char, 4096> part{};
    ssize_t length = 0;
    while ((length = pread(fd_, part.data(), part.size(), static_cast<off_t>(text.size()))) > 0) {
        text.append(part.data(), static_cast<std::size_t>(length));
    }
    if (length < 0) {
        return std::unexpected(failure("read"));
    }
    return parse_kernel_stats(text);
}

}  // namespace farewell::nfq

// SPDX-License-Identifier: MIT
// What the kernel itself counts for every queue: /proc/net/netfilter/nfnetlink_queue.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include <farewell/error.hpp>

namespace farewell::nfq {

/// One line of the file (net/netfilter/nfnetlink_queue.c, seq_show).
struct KernelQueueStats {
    std::uint16_t number = 0;         ///< of the queue
    std::uint32_t portid = 0;         ///< of the socket that bound it; usually its process' pid
    std::uint32_t waiting = 0;        ///< packets without a verdict
    std::uint32_t copy_mode = 0;      ///< 1 metadata, 2 payload
    std::uint32_t copy_range = 0;     ///< bytes of each packet
    std::uint64_t queue_dropped = 0;  ///< the queue was full: no id was given
    std::uint64_t user_dropped = 0;   ///< the socket's receive buffer was full
    std::uint32_t last_id = 0;        ///< of the last packet that was given one
};

/// Lines that are not of this form are left out.
[[nodiscard]] std::vector<KernelQueueStats> parse_kernel_stats(std::string_view text);

/// Keeps the file open, because only root may open it: a daemon opens it first and gives up root then.
class KernelStatsReader {
 public:
    /// Of the network namespace that `netns_fd` is open on, or of the calling thread's.
    [[nodiscard]] static std::expected<KernelStatsReader, Error> open(
        std::optional<int> netns_fd = std::nullopt);
    /// What is moved from may only be destroyed or assigned to.
    KernelStatsReader(KernelStatsReader&& other) noexcept;
    /// Closes what it had open.
    KernelStatsReader& operator=(KernelStatsReader&& other) noexcept;
    ~KernelStatsReader();

    /// All queues of the namespace, as they are now.
    [[nodiscard]] std::expected<std::vector<KernelQueueStats>, Error> read() const;

 private:
    explicit KernelStatsReader(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace farewell::nfq

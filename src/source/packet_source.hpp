// SPDX-License-Identifier: GPL-2.0-or-later
// Where packets come from, as the daemon sees it: threads that turn them into probes, one lane each. What is
// learned from a packet travels by a ring and never holds anything up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <farewell/error.hpp>
#include <farewell/metadata.hpp>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "source/packet_reader.hpp"
#include "source/probe_ring.hpp"
#include "source/wait_counts.hpp"

namespace farewell::source {

[[nodiscard]] constexpr Direction direction_at(Hook hook) {
    return hook == Hook::forward ? Direction::through_us : Direction::to_us;
}

/// What one receiving thread works with.
struct Lane {
    explicit Lane(const SharedKnowledge& knowledge) : reader(ring, knowledge) {}
    ProbeRing ring;
    PacketReader reader;
    WaitCounter waits;  // for verdicts, where any are given
};

/// What one lane has seen and lost.
struct LaneStatus {
    std::uint16_t number = 0;  // of the queue or group
    std::uint64_t packets = 0;
    std::uint64_t lost_in_socket = 0;            // the receive buffer was full
    std::optional<std::uint64_t> lost_in_queue;  // the kernel's queue was full; nullopt: it does not tell
    std::optional<std::uint32_t> waiting;        // packets in the kernel's queue
    std::size_t receive_buffer_bytes = 0;
    PacketCounts counts;
    WaitCounts waits;  // for verdicts, from when packets are received; none where none is given
};

class PacketSource {
 public:
    PacketSource() = default;
    virtual ~PacketSource() = default;
    PacketSource(const PacketSource&) = delete;
    PacketSource& operator=(const PacketSource&) = delete;

    /// "queue" or "log group": what the lanes' numbers are of.
    [[nodiscard]] virtual std::string_view lane_name() const = 0;
    /// One ring per lane; they live as long as the source.
    [[nodiscard]] virtual std::vector<ProbeRing*> rings() = 0;
    /// What a receiving thread calls when it has put probes into its ring and every packet has its verdict.
    using OnProbes = std::function<void()>;
    virtual void start(OnProbes on_probes) = 0;
    /// Takes what the kernel still has, unbinds, joins. The first error that ended a thread, if any did.
    virtual std::expected<void, Error> stop() = 0;
    /// Whether a receiving thread has ended although nobody asked it to.
    [[nodiscard]] virtual bool has_failed() const = 0;
    /// What the lanes know by themselves, without lost_in_queue and waiting. Any thread.
    [[nodiscard]] virtual std::vector<LaneStatus> own_status() const = 0;
    /// All of it: where the kernel has to tell, that is a file of /proc to read. Any thread.
    [[nodiscard]] virtual std::vector<LaneStatus> status() const { return own_status(); }
    /// Any thread: what one source sent lately that did not count, the latest last.
    [[nodiscard]] virtual std::vector<DisregardedPacket> disregarded(const core::Address& source) const = 0;
    /// How often the thread of each lane has come round to receiving; for a watchdog. Any thread.
    [[nodiscard]] virtual std::vector<std::uint64_t> rounds() const = 0;
    /// Has every thread that waits for packets come round once. Any thread.
    virtual void wake() = 0;
};

}  // namespace farewell::source

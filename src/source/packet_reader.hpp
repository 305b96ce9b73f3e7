// SPDX-License-Identifier: GPL-2.0-or-later
// The stateless half of detection: bytes of a packet in, a probe in the ring or a count of why not. The same
// for every source of packets. One instance per receiving thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/classify.hpp"
#include "core/decode.hpp"
#include "core/time.hpp"
#include "source/probe_ring.hpp"
#include "source/recent_packets.hpp"
#include "source/shared_knowledge.hpp"

namespace farewell::source {

/// What became of the packets of one reader.
struct PacketCounts {
    std::uint64_t packets = 0;
    std::uint64_t probes = 0;
    std::uint64_t probes_lost = 0;  // the ring was full: the engine is behind
    std::array<std::uint64_t, core::kDecodeErrors> undecoded{};
    std::array<std::uint64_t, core::kRules> rules{};  // decoded packets by the rule that decided

    PacketCounts& operator+=(const PacketCounts& other);
};

/// Where the kernel met a packet: a gateway's forward hook sees what goes to others.
enum class Direction : std::uint8_t { to_us, through_us };

class PacketReader {
 public:
    PacketReader(ProbeRing& ring, const SharedKnowledge& knowledge) : ring_(ring), knowledge_(knowledge) {}

    /// For a source that does not tell how long a packet was before it was cut: longer than any IP packet.
    static constexpr std::size_t kLengthUnknown = std::size_t{1} << 20U;

    /// Decodes, classifies and counts; what is a probe is to be pushed. Never blocks, never allocates, as the
    /// next. Receiving thread.
    [[nodiscard]] std::optional<core::Probe> read(std::span<const std::byte> bytes,
                                                  std::size_t original_length, core::Time now,
                                                  Direction direction = Direction::to_us);
    /// Returns whether there was room: the caller rings the doorbell once per batch. Receiving thread.
    bool push(const core::Probe& probe, core::Time now);

    /// Any thread; the numbers of one moment, each by itself exact.
    [[nodiscard]] PacketCounts counts() const;
    /// Any thread; the last packets that were no probes.
    [[nodiscard]] const RecentPackets& disregarded() const { return disregarded_; }

 private:
    // Written by the receiving thread alone, so a plain load and store are enough: no locked instruction.
    using Count = std::atomic<std::uint64_t>;
    static void add_one(Count& count) {
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    ProbeRing& ring_;
    SharedKnowledge::View knowledge_;
    RecentPackets disregarded_;
    Count packets_{0};
    Count probes_{0};
    Count probes_lost_{0};
    std::array<Count, core::kDecodeErrors> undecoded_{};
    std::array<Count, core::kRules> rules_{};
};

}  // namespace farewell::source

// SPDX-License-Identifier: GPL-2.0-or-later
// Packets from a range of NFQUEUE queues: one thread, socket, reader and ring per queue. Every packet gets
// its verdict at once; what is learned from it travels by the ring and never holds the verdict up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <farewell/nfq/error.hpp>
#include <farewell/nfq/pool.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "source/broadcast_addresses.hpp"
#include "source/packet_reader.hpp"
#include "source/probe_ring.hpp"

namespace farewell::source {

struct NfqueueSettings {
    std::uint16_t first_queue = 0;
    std::uint16_t last_queue = 0;
    std::uint32_t copy_range = 0;
    std::uint32_t max_length = 0;
    std::optional<std::size_t> receive_buffer_bytes;
    bool accept = false;  // the verdict; false: drop
};

class NfqueueSource {
 public:
    /// Binds all queues or none. Packets wait in them from now on, until start().
    [[nodiscard]] static std::expected<std::unique_ptr<NfqueueSource>, nfq::Error> open(
        const NfqueueSettings& settings, const BroadcastAddresses& broadcasts, Doorbell& doorbell);
    NfqueueSource(const NfqueueSource&) = delete;
    NfqueueSource& operator=(const NfqueueSource&) = delete;
    ~NfqueueSource();

    /// One ring per queue; they live as long as the source.
    [[nodiscard]] std::vector<ProbeRing*> rings() const;

    void start();
    /// Gives verdicts for what is queued, unbinds, joins. The first error that ended a thread, if any did.
    std::expected<void, nfq::Error> stop();
    /// Whether a queue thread has ended although nobody asked it to.
    [[nodiscard]] bool has_failed() const;

    struct QueueStatus {
        std::uint16_t number = 0;
        nfq::Stats stats;
        PacketCounts counts;
    };
    /// Any thread.
    [[nodiscard]] std::vector<QueueStatus> status() const;

 private:
    struct Lane;  // what one queue thread works with
    NfqueueSource(nfq::Pool pool, const NfqueueSettings& settings, const BroadcastAddresses& broadcasts,
                  Doorbell& doorbell);

    nfq::Pool pool_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::uint16_t first_queue_;
    Doorbell& doorbell_;
};

}  // namespace farewell::source

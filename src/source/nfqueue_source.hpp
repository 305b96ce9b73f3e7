// SPDX-License-Identifier: GPL-2.0-or-later
// Packets from a range of NFQUEUE queues: one thread, socket and lane per queue. Every packet gets its
// verdict at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "source/packet_source.hpp"
#include "source/shared_knowledge.hpp"

namespace farewell::source {

struct NfqueueSettings {
    std::uint16_t first_queue = 0;
    std::uint16_t last_queue = 0;
    std::uint32_t copy_range = 0;
    std::uint32_t max_length = 0;
    std::optional<std::size_t> receive_buffer_bytes;
    bool accept = false;  // the verdict; false: drop
};

/// Binds all queues or none. Packets wait in them from now on, until start().
[[nodiscard]] std::expected<std::unique_ptr<PacketSource>, Error> open_nfqueue(
    const NfqueueSettings& settings, const SharedKnowledge& knowledge);

}  // namespace farewell::source

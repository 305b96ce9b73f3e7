// SPDX-License-Identifier: GPL-2.0-or-later
// Packets from one NFLOG group, by one thread. The rule that logs them decides what becomes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "source/packet_source.hpp"
#include "source/shared_knowledge.hpp"

namespace farewell::source {

struct NflogSettings {
    std::uint16_t group = 0;
    std::uint32_t copy_range = 0;
    std::optional<std::size_t> receive_buffer_bytes;
};

/// Binds the group. The kernel gathers packets from now on.
[[nodiscard]] std::expected<std::unique_ptr<PacketSource>, Error> open_nflog(
    const NflogSettings& settings, const SharedKnowledge& knowledge);

}  // namespace farewell::source

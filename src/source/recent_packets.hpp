// SPDX-License-Identifier: GPL-2.0-or-later
// The last packets that one receiving thread disregarded, so that somebody who asks about an address can be
// told what of it did not count and why. The oldest are written over.
//
// Threads:   note() one; of() any other. Neither waits: each slot carries a version, odd while it is being
//            written (a seqlock), and a slot met half written is left out of the answer.
// Cost:      note(): six relaxed or releasing stores. of(): a walk over all slots, 40 KiB.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/time.hpp"

namespace farewell::source {

struct DisregardedPacket {
    core::Time at;
    core::Port port;
    core::Rule rule{};
};

class RecentPackets {
 public:
    static constexpr std::size_t kCapacity = 1024;

    void note(const core::Address& source, const DisregardedPacket& packet);
    /// Those of one source, the latest last.
    [[nodiscard]] std::vector<DisregardedPacket> of(const core::Address& source) const;

 private:
    using Words = std::array<std::uint64_t, 4>;  // address, what it was, when
    struct Slot {
        std::atomic<std::uint64_t> version{0};
        std::array<std::atomic<std::uint64_t>, 4> words{};
    };

    std::uint64_t noted_ = 0;  // the writer's
    std::vector<Slot> slots_ = std::vector<Slot>(kCapacity);
};

}  // namespace farewell::source

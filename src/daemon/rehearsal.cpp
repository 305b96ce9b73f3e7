// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rehearsal.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/engine.hpp"
#include "daemon/clock.hpp"
#include "source/packet_reader.hpp"
#include "source/shared_knowledge.hpp"

namespace farewell::daemon {
namespace {

constexpr std::uint16_t kProbesMax = 100;  // more than any default threshold

/// A SYN from 192.0.2.1, which is for documentation (RFC 5737).
std::array<std::byte, 40> syn_to(std::uint16_t port) {
    std::array<std::byte, 40> packet{};
    const auto put = [&packet](std::size_t at, unsigned octet) {
        packet.at(at) = static_cast<std::byte>(octet);
    };
    put(0, 0x45);  // IPv4, five words of header
    put(3, 40);    // bytes in all
    put(8, 64);    // TTL
    put(9, 6);     // TCP
    for (const std::size_t address : {std::size_t{12}, std::size_t{16}}) {
        put(address, 192);
        put(address + 2, 2);
    }
    put(15, 1);
    put(19, 2);
    put(20, 0xc0);  // source port 49152
    put(22, port >> 8U);
    put(23, port & 0xffU);
    put(32, 0x50);  // five words of header
    put(33, 0x02);  // SYN
    put(34, 0x04);  // window 1024
    return packet;
}

}  // namespace

bool rehearse(enforce::Enforcer& enforcer) {
    const source::SharedKnowledge knowledge;
    const auto ring = std::make_unique<source::ProbeRing>();
    source::PacketReader reader(*ring, knowledge);
    core::Limits small;
    small.memory_bytes = core::Limits::kMemoryMin;
    core::Engine engine(small, {});
    std::vector<core::Arrival> room(1);
    std::optional<core::Ban> ban;
    for (std::uint16_t port = 1; port <= kProbesMax && !ban; ++port) {
        const auto packet = syn_to(port);
        const core::Time now = boot_now();
        const auto probe = reader.read(packet, packet.size(), now);
        if (probe && reader.push(*probe, now)) {
            for (const core::Arrival& arrival : ring->take(room)) {
                ban = engine.on_probe(arrival.probe, arrival.at);
            }
        }
    }
    // Nobody has an interest in what becomes of it: what is wrong with the table, the first ban will tell.
    const core::Prefix nobody = core::Prefix::of(core::Address::ipv4(std::array<std::byte, 4>{}));
    [[maybe_unused]] const auto freed = enforcer.unban(std::span(&nobody, 1));
    return ban.has_value() && engine.on_enforced(*ban, boot_now());
}

}  // namespace farewell::daemon

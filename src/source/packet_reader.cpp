// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/packet_reader.hpp"

#include <variant>

namespace farewell::source {

PacketCounts& PacketCounts::operator+=(const PacketCounts& other) {
    packets += other.packets;
    probes += other.probes;
    probes_lost += other.probes_lost;
    for (std::size_t i = 0; i < undecoded.size(); ++i) {
        undecoded[i] += other.undecoded[i];
    }
    for (std::size_t i = 0; i < disregarded.size(); ++i) {
        disregarded[i] += other.disregarded[i];
    }
    return *this;
}

bool PacketReader::read(std::span<const std::byte> bytes, std::size_t original_length, core::Time now) {
    add_one(packets_);
    const auto packet = core::decode(bytes, original_length);
    if (!packet) {
        add_one(undecoded_[static_cast<std::size_t>(packet.error())]);
        return false;
    }
    const auto link = broadcasts_.contains(packet->destination) ? core::LinkDestination::broadcast
                                                                : core::LinkDestination::unknown;
    const core::Classification classification = core::classify(*packet, link);
    if (const auto* reason = std::get_if<core::Disregard>(&classification)) {
        add_one(disregarded_[static_cast<std::size_t>(*reason)]);
        return false;
    }
    if (!ring_.push({.probe = std::get<core::Probe>(classification), .at = now})) {
        add_one(probes_lost_);
        return false;
    }
    add_one(probes_);
    return true;
}

PacketCounts PacketReader::counts() const {
    PacketCounts counts;
    counts.packets = packets_.load(std::memory_order_relaxed);
    counts.probes = probes_.load(std::memory_order_relaxed);
    counts.probes_lost = probes_lost_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < counts.undecoded.size(); ++i) {
        counts.undecoded[i] = undecoded_[i].load(std::memory_order_relaxed);
    }
    for (std::size_t i = 0; i < counts.disregarded.size(); ++i) {
        counts.disregarded[i] = disregarded_[i].load(std::memory_order_relaxed);
    }
    return counts;
}

}  // namespace farewell::source

// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/packet_reader.hpp"

namespace farewell::source {

PacketCounts& PacketCounts::operator+=(const PacketCounts& other) {
    packets += other.packets;
    probes += other.probes;
    probes_lost += other.probes_lost;
    for (std::size_t i = 0; i < undecoded.size(); ++i) {
        undecoded[i] += other.undecoded[i];
    }
    for (std::size_t i = 0; i < rules.size(); ++i) {
        rules[i] += other.rules[i];
    }
    return *this;
}

std::optional<core::Probe> PacketReader::read(std::span<const std::byte> bytes, std::size_t original_length,
                                              core::Time now, Direction direction) {
    add_one(packets_);
    const auto packet = core::decode(bytes, original_length);
    if (!packet) {
        add_one(undecoded_[static_cast<std::size_t>(packet.error())]);
        return std::nullopt;
    }
    const core::Rule rule = core::classify(*packet, knowledge_.get(), core::LinkDestination::unknown);
    add_one(rules_[static_cast<std::size_t>(rule)]);
    if (!core::is_counted(rule)) {
        disregarded_.note(packet->source,
                          {.at = now,
                           .port = {.protocol = packet->protocol, .number = packet->destination_port},
                           .rule = rule});
        return std::nullopt;
    }
    core::Probe probe = core::probe_of(*packet, rule);
    probe.is_forwarded = direction == Direction::through_us;
    return probe;
}

bool PacketReader::push(const core::Probe& probe, core::Time now) {
    if (!ring_.push({.probe = probe, .at = now})) {
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
    for (std::size_t i = 0; i < counts.rules.size(); ++i) {
        counts.rules[i] = rules_[i].load(std::memory_order_relaxed);
    }
    return counts;
}

}  // namespace farewell::source

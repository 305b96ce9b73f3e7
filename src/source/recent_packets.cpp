// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/recent_packets.hpp"

#include <algorithm>

namespace farewell::source {
namespace {

constexpr unsigned kFamilyShift = 32;
constexpr unsigned kRuleShift = 24;
constexpr unsigned kProtocolShift = 16;

/// What it was, in one word; the family of its source with it.
std::uint64_t packed(const core::Address& source, const DisregardedPacket& packet) {
    return std::uint64_t{source.family() == core::Family::ipv6} << kFamilyShift |
           std::uint64_t{static_cast<std::uint8_t>(packet.rule)} << kRuleShift |
           std::uint64_t{packet.port.protocol} << kProtocolShift | packet.port.number;
}

bool is_of(std::uint64_t word, const core::Address& source) {
    return (word >> kFamilyShift) == std::uint64_t{source.family() == core::Family::ipv6};
}

DisregardedPacket unpacked(std::uint64_t word, std::uint64_t at) {
    constexpr std::uint64_t kByte = 0xff;
    return {.at = core::Time(core::Time::duration(static_cast<std::int64_t>(at))),
            .port = {.protocol = static_cast<std::uint8_t>(word >> kProtocolShift & kByte),
                     .number = static_cast<std::uint16_t>(word)},
            .rule = static_cast<core::Rule>(word >> kRuleShift & kByte)};
}

}  // namespace

void RecentPackets::note(const core::Address& source, const DisregardedPacket& packet) {
    Slot& slot = slots_[noted_++ % kCapacity];
    const auto address = source.words();
    const Words words{address[0], address[1], packed(source, packet),
                      static_cast<std::uint64_t>(packet.at.time_since_epoch().count())};
    const std::uint64_t version = slot.version.load(std::memory_order_relaxed);
    slot.version.store(version + 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < words.size(); ++i) {
        // Whoever sees the new word sees the odd version, too.
        slot.words[i].store(words[i], std::memory_order_release);
    }
    slot.version.store(version + 2, std::memory_order_release);
}

std::vector<DisregardedPacket> RecentPackets::of(const core::Address& source) const {
    std::vector<DisregardedPacket> packets;
    const auto wanted = source.words();
    for (const Slot& slot : slots_) {
        const std::uint64_t version = slot.version.load(std::memory_order_acquire);
        Words words{};
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] = slot.words[i].load(std::memory_order_acquire);
        }
        const bool is_whole =
            version != 0 && version % 2 == 0 && slot.version.load(std::memory_order_relaxed) == version;
        if (is_whole && words[0] == wanted[0] && words[1] == wanted[1] && is_of(words[2], source)) {
            packets.push_back(unpacked(words[2], words[3]));
        }
    }
    std::ranges::sort(packets, {}, &DisregardedPacket::at);
    return packets;
}

}  // namespace farewell::source

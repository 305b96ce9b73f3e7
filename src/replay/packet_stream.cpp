// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/packet_stream.hpp"

#include <algorithm>

#include "source/link_layer.hpp"

namespace farewell::replay {

FrameCounts& FrameCounts::operator+=(const FrameCounts& other) {
    frames += other.frames;
    not_ip += other.not_ip;
    cut_short += other.cut_short;
    clock_stepped_back += other.clock_stepped_back;
    for (std::size_t i = 0; i < undecoded.size(); ++i) {
        undecoded[i] += other.undecoded[i];
    }
    return *this;
}

std::optional<SeenPacket> PacketStream::next() {
    while (!damage_) {
        const auto frame = file_.next();
        if (!frame) {
            damage_ = frame.error();
            break;
        }
        const auto& bytes = *frame;
        if (!bytes) {
            break;
        }
        if (auto packet = read(*bytes)) {
            return packet;
        }
    }
    return std::nullopt;
}

std::optional<SeenPacket> PacketStream::read(const source::CapturedFrame& frame) {
    ++counts_.frames;
    if (!first_) {
        first_ = frame.at;
    }
    if (frame.at < now_) {
        ++counts_.clock_stepped_back;
    }
    now_ = std::max(now_, frame.at);
    const auto framed = source::ip_packet_of(file_.link_type(), frame.bytes);
    if (!framed) {
        ++(framed.error() == source::NoPacket::not_ip ? counts_.not_ip : counts_.cut_short);
        return std::nullopt;
    }
    const std::size_t before_cut = std::max(
        framed->bytes.size(), frame.original_length - std::min(frame.original_length, framed->offset));
    const auto packet = core::decode(framed->bytes, before_cut);
    if (!packet) {
        ++counts_.undecoded[static_cast<std::size_t>(packet.error())];
        return std::nullopt;
    }
    return SeenPacket{.packet = *packet, .link = framed->destination, .at = now_};
}

}  // namespace farewell::replay

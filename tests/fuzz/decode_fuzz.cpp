// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a packet: decoded and classified without reading beyond them, and with answers that hold
// together.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "core/classify.hpp"
#include "core/decode.hpp"

namespace {

using namespace farewell::core;

void check(bool holds) {
    if (!holds) {
        std::abort();
    }
}

const Knowledge kNothingKnown;

void decode_and_classify(std::span<const std::byte> bytes, std::size_t original_length) {
    const auto packet = decode(bytes, original_length);
    if (!packet) {
        check(packet.error() != DecodeError::empty || bytes.empty());
        return;
    }
    const unsigned version = std::to_integer<unsigned>(bytes.front()) >> 4U;
    check(packet->source.family() == (version == 4 ? Family::ipv4 : Family::ipv6));
    check(packet->destination.family() == packet->source.family());
    if (!packet->payload.empty()) {
        check(packet->payload.data() >= bytes.data() &&
              packet->payload.data() + packet->payload.size() <= bytes.data() + bytes.size());
    }
    check(packet->fragment != Fragment::later || !packet->has_ports);
    const Rule rule = classify(*packet, kNothingKnown, LinkDestination::unknown);
    check(name_of(rule) != "");
    if (is_counted(rule)) {
        const Probe probe = probe_of(*packet, rule);
        check(probe.source == packet->source && probe.port.protocol == packet->protocol);
        check(!packet->source.is_loopback() && !packet->source.is_multicast());
        check((probe.weight() == 0) == is_ambiguous(rule));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    // The first two bytes say how much the copy range cut off; the rest is a heap copy, so that ASan sees its
    // end.
    const std::size_t cut = std::size_t{data[0]} << 8U | data[1];
    std::vector<std::byte> bytes(size - 2);
    std::transform(data + 2, data + size, bytes.begin(), [](std::uint8_t value) { return std::byte{value}; });
    decode_and_classify(bytes, bytes.size());
    decode_and_classify(bytes, bytes.size() + cut);
    return 0;
}

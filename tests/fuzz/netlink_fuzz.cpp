// SPDX-License-Identifier: MIT
// Any bytes as a datagram from the kernel: read without going beyond them, and without going on for ever.
#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include <farewell/nfq/kernel_stats.hpp>

#include "netlink/acknowledgement.hpp"
#include "netlink/message.hpp"
#include "nflog/group_messages.hpp"
#include "nfq/packet_parser.hpp"
#include "nfq/queue_messages.hpp"

namespace {

void check(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool lies_within(std::span<const std::byte> part, std::span<const std::byte> whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

bool is_same(std::span<const std::byte> left, std::span<const std::byte> right) {
    return left.size() == right.size() && (left.empty() || left.data() == right.data());
}

void check_queued(const farewell::netlink::Message& message, std::span<const std::byte> bytes) {
    farewell::nfq::Packet packet;
    if (farewell::nfq::parse_packet(message, packet) == farewell::nfq::PacketForm::without_id) {
        return;
    }
    const farewell::nfq::Metadata metadata = packet.metadata();
    for (const auto part : {packet.payload, packet.attributes, metadata.hardware_address,
                            metadata.link_header, metadata.conntrack, metadata.security_context}) {
        check(lies_within(part, bytes));
    }
    check(packet.original_length >= packet.payload.size());
}

void check_logged(const farewell::netlink::Message& message, std::span<const std::byte> bytes) {
    farewell::nflog::Packet packet;
    static_cast<void>(farewell::nflog::parse_packet(message, packet));
    for (const auto part : {packet.payload, packet.hardware_address, packet.link_header, packet.conntrack,
                            std::as_bytes(std::span(packet.prefix))}) {
        check(lies_within(part, bytes));
    }
}

/// What no kernel sends, and the two readers may take differently: flags in an attribute's type, or two of
/// one kind of which only one can be meant.
bool is_ambiguous(std::span<const std::byte> attributes) {
    std::size_t headers = 0;
    while (attributes.size() >= farewell::netlink::kAttributeHeader) {
        const std::uint16_t type = farewell::netlink::read_u16(attributes.subspan(2));
        headers += type == NFQA_PACKET_HDR ? 1U : 0U;
        if (type > NFQA_MAX || headers > 1) {
            return true;
        }
        const std::size_t step = farewell::netlink::aligned(farewell::netlink::read_u16(attributes));
        attributes = attributes.subspan(std::clamp<std::size_t>(step, 1, attributes.size()));
    }
    return false;
}

/// What the quick reader takes, the careful one takes for the same packet.
void check_usual(std::span<const std::byte> bytes) {
    farewell::nfq::Packet quick;
    if (!farewell::nfq::parse_usual_datagram(bytes, quick)) {
        return;
    }
    check(lies_within(quick.payload, bytes) && lies_within(quick.attributes, bytes));
    farewell::netlink::MessageReader reader(bytes);
    const auto message = reader.next();
    check(message && farewell::nfq::is_packet(*message) && !reader.next() && !reader.is_malformed());
    farewell::nfq::Packet careful;
    check(farewell::nfq::parse_packet(*message, careful) == farewell::nfq::PacketForm::whole);
    check(is_same(quick.attributes, careful.attributes));
    check(quick.original_length >= quick.payload.size());
    if (!is_ambiguous(quick.attributes)) {
        check(quick.id == careful.id && quick.hook == careful.hook && quick.family == careful.family &&
              quick.hardware_protocol == careful.hardware_protocol &&
              quick.original_length == careful.original_length && is_same(quick.payload, careful.payload));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::transform(data, data + size, bytes.begin(), [](std::uint8_t value) { return std::byte{value}; });
    farewell::netlink::MessageReader reader(bytes);
    std::size_t messages = 0;
    while (const auto message = reader.next()) {
        check(++messages <= bytes.size() / farewell::netlink::kHeaderBytes + 1);
        check(lies_within(message->body, bytes));
        check_queued(*message, bytes);
        check_logged(*message, bytes);
        static_cast<void>(farewell::netlink::parse_acknowledgement(*message));
    }
    check_usual(bytes);
    std::vector<char> text(data, data + size);
    static_cast<void>(farewell::nfq::parse_kernel_stats({text.data(), text.size()}));
    return 0;
}

// SPDX-License-Identifier: MIT
// Any bytes as a datagram from the kernel: read without going beyond them, and without going on for ever.
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::transform(data, data + size, bytes.begin(), [](std::uint8_t value) { return std::byte{value}; });
    farewell::netlink::MessageReader reader(bytes);
    std::size_t messages = 0;
    while (const auto message = reader.next()) {
        check(++messages <= bytes.size() / farewell::netlink::kHeaderBytes + 1);
        check(lies_within(message->body, bytes));
        farewell::nfq::Packet packet;
        if (farewell::nfq::parse_packet(*message, packet) != farewell::nfq::PacketForm::without_id) {
            const farewell::nfq::Metadata metadata = packet.metadata();
            for (const auto part : {packet.payload, packet.attributes, metadata.hardware_address,
                                    metadata.link_header, metadata.conntrack, metadata.security_context}) {
                check(lies_within(part, bytes));
            }
            check(packet.original_length >= packet.payload.size());
        }
        farewell::nflog::Packet logged;
        static_cast<void>(farewell::nflog::parse_packet(*message, logged));
        for (const auto part : {logged.payload, logged.hardware_address, logged.link_header, logged.conntrack,
                                std::as_bytes(std::span(logged.prefix))}) {
            check(lies_within(part, bytes));
        }
        static_cast<void>(farewell::netlink::parse_acknowledgement(*message));
    }
    std::vector<char> text(data, data + size);
    static_cast<void>(farewell::nfq::parse_kernel_stats({text.data(), text.size()}));
    return 0;
}

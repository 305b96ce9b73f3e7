// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet_builder.hpp"

namespace farewell::test {
namespace {

void put8(Bytes& out, unsigned value) {
    out.push_back(static_cast<std::byte>(value));
}
void put16(Bytes& out, unsigned value) {
    put8(out, value >> 8U & 0xffU);
    put8(out, value & 0xffU);
}
void put32(Bytes& out, unsigned value) {
    put16(out, value >> 16U);
    put16(out, value & 0xffffU);
}
void append(Bytes& out, const Bytes& more) {
    out.insert(out.end(), more.begin(), more.end());
}
void append(Bytes& out, std::span<const std::uint8_t> more) {
    for (const std::uint8_t value : more) {
        put8(out, value);
    }
}

}  // namespace

Bytes bytes(std::initializer_list<unsigned> values) {
    Bytes out;
    for (const unsigned value : values) {
        put8(out, value);
    }
    return out;
}

Bytes operator+(Bytes front, const Bytes& back) {
    append(front, back);
    return front;
}

Bytes build(const Tcp& tcp) {
    Bytes out;
    put16(out, tcp.source_port);
    put16(out, tcp.destination_port);
    put32(out, tcp.sequence);
    put32(out, 0);
    put8(out, static_cast<unsigned>((20 + tcp.options.size()) / 4) << 4U);
    put8(out, tcp.flags);
    put16(out, tcp.window);
    put32(out, 0);
    append(out, tcp.options);
    append(out, tcp.payload);
    return out;
}

Bytes build_udp(std::uint16_t source_port, std::uint16_t destination_port, const Bytes& payload) {
    Bytes out;
    put16(out, source_port);
    put16(out, destination_port);
    put16(out, static_cast<unsigned>(8 + payload.size()));
    put16(out, 0);
    append(out, payload);
    return out;
}

Bytes build_sctp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t first_chunk) {
    Bytes out;
    put16(out, source_port);
    put16(out, destination_port);
    put32(out, 0);
    put32(out, 0);
    put8(out, first_chunk);
    put8(out, 0);
    put16(out, 4);
    return out;
}

Bytes build(const Ipv4& ip) {
    Bytes out;
    put8(out, 0x40U | static_cast<unsigned>((20 + ip.options.size()) / 4));
    put8(out, 0);
    put16(out, static_cast<unsigned>(20 + ip.options.size() + ip.payload.size()));
    put16(out, ip.id);
    put16(out, ip.fragment);
    put8(out, ip.ttl);
    put8(out, ip.protocol);
    put16(out, 0);
    append(out, ip.source);
    append(out, ip.destination);
    append(out, ip.options);
    append(out, ip.payload);
    return out;
}

Bytes build(const Ipv6& ip) {
    Bytes out;
    put32(out, 0x60000000U);
    put16(out, static_cast<unsigned>(ip.payload.size()));
    put8(out, ip.next_header);
    put8(out, ip.hop_limit);
    append(out, ip.source);
    append(out, ip.destination);
    append(out, ip.payload);
    return out;
}

Bytes extension(std::uint8_t next_header, std::uint8_t units) {
    Bytes out;
    put8(out, next_header);
    put8(out, units);
    out.resize((std::size_t{units} + 1) * 8);
    return out;
}

Bytes fragment_header(std::uint8_t next_header, std::uint16_t field) {
    Bytes out;
    put8(out, next_header);
    put8(out, 0);
    put16(out, field);
    put32(out, 7);
    return out;
}

Bytes authentication_header(std::uint8_t next_header) {
    Bytes out;
    put8(out, next_header);
    put8(out, 4);  // 24 bytes in words of four, minus two
    out.resize(24);
    return out;
}

}  // namespace farewell::test

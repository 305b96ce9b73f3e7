// SPDX-License-Identifier: GPL-2.0-or-later
// Packets for tests, built from the inside out, and as wrong as a test wants them. Checksums are left zero:
// nothing here looks at them. Namespaces and wires are tests/e2e's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace farewell::test {

using Bytes = std::vector<std::byte>;

[[nodiscard]] Bytes bytes(std::initializer_list<unsigned> values);
[[nodiscard]] Bytes operator+(Bytes front, const Bytes& back);

struct Tcp {
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 80;
    std::uint8_t flags = 0x02;
    std::uint16_t window = 1024;
    std::uint32_t sequence = 1;
    Bytes options{};  // a multiple of four
    Bytes payload{};
};
[[nodiscard]] Bytes build(const Tcp& tcp);
[[nodiscard]] Bytes build_udp(std::uint16_t source_port, std::uint16_t destination_port,
                              const Bytes& payload = {});
[[nodiscard]] Bytes build_sctp(std::uint16_t source_port, std::uint16_t destination_port,
                               std::uint8_t first_chunk);

struct Ipv4 {
    std::array<std::uint8_t, 4> source{198, 18, 0, 1};
    std::array<std::uint8_t, 4> destination{198, 18, 0, 2};
    std::uint8_t protocol = 6;
    std::uint8_t ttl = 64;
    std::uint16_t fragment = 0;  // the whole field: flags and offset
    std::uint16_t id = 0;
    Bytes options{};  // a multiple of four
    Bytes payload{};
};
[[nodiscard]] Bytes build(const Ipv4& ip);

struct Ipv6 {
    std::array<std::uint8_t, 16> source{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    std::array<std::uint8_t, 16> destination{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    std::uint8_t next_header = 6;  // of the first extension header, or the transport
    std::uint8_t hop_limit = 64;
    Bytes payload{};
};
[[nodiscard]] Bytes build(const Ipv6& ip);

/// An extension header of `units` times eight bytes beyond its first eight.
[[nodiscard]] Bytes extension(std::uint8_t next_header, std::uint8_t units = 0);
/// `field` is offset, reserved bits and the more flag.
[[nodiscard]] Bytes fragment_header(std::uint8_t next_header, std::uint16_t field);
/// An authentication header of 24 bytes.
[[nodiscard]] Bytes authentication_header(std::uint8_t next_header);

}  // namespace farewell::test

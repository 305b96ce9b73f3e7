// SPDX-License-Identifier: GPL-2.0-or-later
// Short words for tests of the core: addresses, probes and times without ceremony.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/limits.hpp"
#include "core/time.hpp"

namespace farewell::test {

/// 10.a.b.c of a number; every number below 2^24 is another source.
inline core::Address source(std::uint32_t number) {
    const std::array bytes{std::byte{10}, static_cast<std::byte>(number >> 16U),
                           static_cast<std::byte>(number >> 8U), static_cast<std::byte>(number)};
    return core::Address::ipv4(bytes);
}

/// 2001:db8:0:a::b
inline core::Address source6(std::uint16_t subnet, std::uint16_t host) {
    std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
    bytes[6] = static_cast<std::byte>(subnet >> 8U);
    bytes[7] = static_cast<std::byte>(subnet);
    bytes[14] = static_cast<std::byte>(host >> 8U);
    bytes[15] = static_cast<std::byte>(host);
    return core::Address::ipv6(bytes);
}

/// The same as the prefix that is this address alone.
inline core::Prefix alone(std::uint32_t number) {
    return core::Prefix::of(source(number));
}

/// The network of this length around 2001:db8:AAAA:BBBB::9, where AAAABBBB is the number.
inline core::Prefix network6(std::uint32_t number, std::uint8_t length) {
    std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
    for (std::size_t i = 0; i < 4; ++i) {
        bytes.at(4 + i) = static_cast<std::byte>(number >> (24U - 8U * i));
    }
    bytes[15] = std::byte{9};
    return core::Prefix::of(core::Address::ipv6(bytes), length);
}

/// Ten distinct closed ports, a full ban of always the same length and nothing else: for tests that need
/// exact numbers.
inline core::Limits plain_limits() {
    core::Limits limits;
    limits.rule = core::DetectionRule::plain;
    limits.unproven = core::UnprovenTreatment::full;
    limits.repeat_factor = 1;
    return limits;
}

inline core::Probe probe(const core::Address& from, std::uint16_t port, std::uint8_t protocol = 6) {
    core::Probe result;
    result.source = from;
    result.port = {.protocol = protocol, .number = port};
    return result;
}

/// So long after the clock began.
inline core::Time at(std::chrono::nanoseconds since) {
    return core::Time(since);
}

}  // namespace farewell::test

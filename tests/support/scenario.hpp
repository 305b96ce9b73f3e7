// SPDX-License-Identifier: GPL-2.0-or-later
// Short words for tests of the core: addresses, probes and times without ceremony.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/time.hpp"

namespace farewell::test {

/// 10.a.b.c of a number; every number below 2^24 is another source.
inline core::Address source(std::uint32_t number) {
    const std::array bytes{std::byte{10}, static_cast<std::byte>(number >> 16U),
                           static_cast<std::byte>(number >> 8U), static_cast<std::byte>(number)};
    return core::Address::ipv4(bytes);
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

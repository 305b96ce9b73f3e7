// SPDX-License-Identifier: MIT
#include "netlink/packet_attributes.hpp"

#include "netlink/message.hpp"

namespace farewell::netlink {

bool read_number(std::span<const std::byte> value, std::uint32_t& number) {
    if (value.size() < sizeof number) {
        return false;
    }
    number = read_be32(value);
    return true;
}

bool read_number(std::span<const std::byte> value, std::optional<std::uint32_t>& number) {
    return value.size() >= sizeof(std::uint32_t) && read_number(value, number.emplace());
}

bool read_hardware_address(std::span<const std::byte> value, std::span<const std::byte>& address) {
    // Length in network order, padding, eight bytes.
    constexpr std::size_t kBegin = 4;
    const std::size_t length = read_be16(value);
    if (value.size() < kBegin || length > value.size() - kBegin) {
        return false;
    }
    address = value.subspan(kBegin, length);
    return true;
}

bool read_vlan_tag(std::span<const std::byte> value, std::uint16_t type, std::optional<std::uint16_t>& tag) {
    AttributeReader nested(value);
    while (const auto attribute = nested.next()) {
        if (attribute->type == type && attribute->value.size() >= 2) {
            tag = read_be16(attribute->value);
        }
    }
    return !nested.is_malformed();
}

bool read_timestamp(std::span<const std::byte> value, std::optional<Timestamp>& timestamp) {
    // Seconds and microseconds, 64 bits each, in network order. Seconds beyond 40 bits are no time, and would
    // overflow below.
    constexpr std::size_t kLength = 16;
    constexpr std::uint32_t kMicroseconds = 1'000'000;
    if (value.size() < kLength || read_be32(value) > 0xff || read_be32(value.subspan(8)) != 0 ||
        read_be32(value.subspan(12)) >= kMicroseconds) {
        return false;
    }
    const std::chrono::seconds seconds(std::uint64_t{read_be32(value)} << 32U | read_be32(value.subspan(4)));
    timestamp = Timestamp(seconds + std::chrono::microseconds(read_be32(value.subspan(12))));
    return true;
}

}  // namespace farewell::netlink

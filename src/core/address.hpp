// SPDX-License-Identifier: GPL-2.0-or-later
// An IPv4 or IPv6 address and a prefix of one, as values. Text forms are report/address_text.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace farewell::core {

enum class Family : std::uint8_t { ipv4, ipv6 };

/// One address. IPv4 and IPv6 never compare equal, an IPv4-mapped IPv6 address is an IPv6 address:
/// that is how both arrive on the wire and how nftables keeps them apart.
class Address {
 public:
    /// 0.0.0.0
    constexpr Address() = default;

    [[nodiscard]] static Address ipv4(std::span<const std::byte, 4> bytes);
    [[nodiscard]] static Address ipv6(std::span<const std::byte, 16> bytes);

    [[nodiscard]] Family family() const { return family_; }
    /// 4 or 16 bytes in network order.
    [[nodiscard]] std::span<const std::byte> bytes() const;

    /// 0.0.0.0 and ::
    [[nodiscard]] bool is_unspecified() const;
    /// 127.0.0.0/8 and ::1
    [[nodiscard]] bool is_loopback() const;
    /// 224.0.0.0/4 and ff00::/8
    [[nodiscard]] bool is_multicast() const;
    /// 255.255.255.255; a directed broadcast needs the netmask and cannot be told from the address.
    [[nodiscard]] bool is_limited_broadcast() const;
    /// Never routed on the Internet: RFC 1918, 169.254.0.0/16 (RFC 3927), fe80::/10 (RFC 4291), fc00::/7 (RFC
    /// 4193).
    [[nodiscard]] bool is_private() const;

    /// The address with all but its first `length` bits zero.
    [[nodiscard]] Address masked(std::uint8_t length) const;

    /// Spreads well for any key; whoever does not know the key cannot choose addresses that collide.
    [[nodiscard]] std::size_t hash(std::uint64_t key) const;

    /// The bytes as two numbers, whose order of bits means nothing: to compare and to hash.
    [[nodiscard]] constexpr std::array<std::uint64_t, 2> words() const {
        return std::bit_cast<std::array<std::uint64_t, 2>>(bytes_);
    }
    /// In words: std::array of std::byte is compared byte by byte.
    friend constexpr bool operator==(const Address& one, const Address& other) {
        return one.words() == other.words() && one.family_ == other.family_;
    }
    friend constexpr auto operator<=>(const Address&, const Address&) = default;

 private:
    std::array<std::byte, 16> bytes_{};  // IPv4 in the first four, the rest zero
    Family family_ = Family::ipv4;
};

/// The length of a prefix that is one address.
[[nodiscard]] constexpr std::uint8_t full_length(Family family) {
    return family == Family::ipv4 ? 32 : 128;
}

/// A network: an address and how many of its leading bits count. A single address is its /32 or /128.
struct Prefix {
    Address address;
    std::uint8_t length = 0;  // 0..32 for IPv4, 0..128 for IPv6

    /// One address alone.
    [[nodiscard]] static Prefix of(const Address& address) {
        return {.address = address, .length = full_length(address.family())};
    }
    /// The network of this length around an address: equal for all addresses in it.
    [[nodiscard]] static Prefix of(const Address& address, std::uint8_t length) {
        return {.address = address.masked(length), .length = length};
    }

    [[nodiscard]] bool is_address() const { return length == full_length(address.family()); }
    [[nodiscard]] bool contains(const Address& other) const;
    /// All of it; a prefix contains itself.
    [[nodiscard]] bool contains(const Prefix& other) const;
    /// One of the two contains the other: prefixes never share only a part.
    [[nodiscard]] bool overlaps(const Prefix& other) const;

    /// As of an Address; the same address with another length is another key.
    [[nodiscard]] std::size_t hash(std::uint64_t key) const { return address.hash(key + length); }
    friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;
};

/// For tables that strangers can fill: sources are whatever a sender writes into a header.
struct KeyedHash {
    std::uint64_t key = 0;
    std::size_t operator()(const Address& address) const { return address.hash(key); }
    std::size_t operator()(const Prefix& prefix) const { return prefix.hash(key); }
};

/// Found by Boost's containers; for prefixes that the operator wrote.
inline std::size_t hash_value(const Prefix& prefix) {
    return prefix.hash(0);
}

}  // namespace farewell::core

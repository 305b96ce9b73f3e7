// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/address.hpp"

#include <algorithm>
#include <cstring>

namespace farewell::core {
namespace {

constexpr std::byte octet(unsigned value) {
    return static_cast<std::byte>(value);
}

/// Both halves of the 128-bit product, folded: every bit of either factor reaches the result (as in wyhash).
std::uint64_t fold(std::uint64_t one, std::uint64_t other) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(one) * other;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace

Address Address::ipv4(std::span<const std::byte, 4> bytes) {
    Address address;
    std::ranges::copy(bytes, address.bytes_.begin());
    return address;
}

Address Address::ipv6(std::span<const std::byte, 16> bytes) {
    Address address;
    address.family_ = Family::ipv6;
    std::ranges::copy(bytes, address.bytes_.begin());
    return address;
}

std::span<const std::byte> Address::bytes() const {
    return std::span(bytes_).first(family_ == Family::ipv4 ? 4 : 16);
}

bool Address::is_unspecified() const {
    return std::ranges::all_of(bytes_, [](std::byte byte) { return byte == octet(0); });
}

bool Address::is_loopback() const {
    if (family_ == Family::ipv4) {
        return bytes_[0] == octet(127);
    }
    return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::byte byte) { return byte == octet(0); }) &&
           bytes_[15] == octet(1);
}

bool Address::is_multicast() const {
    return family_ == Family::ipv4 ? (bytes_[0] & octet(0xf0)) == octet(0xe0) : bytes_[0] == octet(0xff);
}

bool Address::is_limited_broadcast() const {
    return family_ == Family::ipv4 &&
           std::ranges::all_of(bytes(), [](std::byte byte) { return byte == octet(0xff); });
}

bool Address::is_private() const {
    const auto begins = [this](unsigned first, unsigned second, unsigned second_mask) {
        return bytes_[0] == octet(first) && (bytes_[1] & octet(second_mask)) == octet(second);
    };
    if (family_ == Family::ipv4) {
        return begins(10, 0, 0) || begins(172, 16, 0xf0) || begins(192, 168, 0xff) || begins(169, 254, 0xff);
    }
    return begins(0xfe, 0x80, 0xc0) || (bytes_[0] & octet(0xfe)) == octet(0xfc);
}

std::size_t Address::hash(std::uint64_t key) const {
    // Odd constants with about as many ones as zeroes keep a key of zero from being a weak one.
    constexpr std::uint64_t kFirst = 0x9e3779b97f4a7c15U;
    constexpr std::uint64_t kSecond = 0xbf58476d1ce4e5b9U;
    const auto [high, low] = words();
    const std::uint64_t secret = fold(key ^ kFirst, kSecond);
    const std::uint64_t first = fold(high ^ secret, kSecond ^ key);
    return fold(first ^ low ^ kFirst, secret ^ (static_cast<std::uint64_t>(family_) + 1));
}

Address Address::masked(std::uint8_t length) const {
    Address result = *this;
    const std::size_t whole = length / 8U;  // bytes that stay as they are
    if (whole < bytes().size()) {
        result.bytes_[whole] &= octet(0xff00U >> length % 8U & 0xffU);
        std::fill(result.bytes_.begin() + static_cast<std::ptrdiff_t>(whole) + 1, result.bytes_.end(),
                  octet(0));
    }
    return result;
}

bool Prefix::contains(const Address& other) const {
    return address.family() == other.family() && address.masked(length) == other.masked(length);
}

bool Prefix::contains(const Prefix& other) const {
    return length <= other.length && contains(other.address);
}

bool Prefix::overlaps(const Prefix& other) const {
    return contains(other) || other.contains(*this);
}

}  // namespace farewell::core

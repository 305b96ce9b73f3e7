// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/address_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "core/bannable.hpp"

namespace farewell::report {
namespace {

bool is_zero_beyond(const core::Prefix& prefix) {
    const auto bytes = prefix.address.bytes();
    for (std::size_t bit = prefix.length; bit < bytes.size() * 8; ++bit) {
        if ((std::to_integer<unsigned>(bytes[bit / 8]) >> (7 - bit % 8) & 1U) != 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string to_text(const core::Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = address.family() == core::Family::ipv4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, address.bytes().data(), text.data(), text.size()) == nullptr) {
        return "?";
    }
    return text.data();
}

std::string to_text(const core::Prefix& prefix) {
    if (prefix.is_address()) {
        return to_text(prefix.address);
    }
    return fmt::format("{}/{}", to_text(prefix.address), prefix.length);
}

std::string to_text(const core::Port& port) {
    switch (port.protocol) {
        case core::protocol::kTcp:
            return fmt::format("tcp/{}", port.number);
        case core::protocol::kUdp:
            return fmt::format("udp/{}", port.number);
        case core::protocol::kUdpLite:
            return fmt::format("udplite/{}", port.number);
        case core::protocol::kSctp:
            return fmt::format("sctp/{}", port.number);
        default:
            return fmt::format("proto/{}", port.protocol);
    }
}

std::optional<core::Address> parse_address(std::string_view text) {
    const std::string terminated(text);
    std::array<std::byte, 16> bytes{};
    if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
        return core::Address::ipv4(std::span(bytes).first<4>());
    }
    if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) {
        return core::Address::ipv6(bytes);
    }
    return std::nullopt;
}

std::optional<core::Prefix> parse_prefix(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) {
        return std::nullopt;
    }
    core::Prefix prefix = core::Prefix::of(*address);
    if (slash == std::string_view::npos) {
        return prefix;
    }
    const std::string_view digits = text.substr(slash + 1);
    std::uint8_t length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size() || length > prefix.length) {
        return std::nullopt;
    }
    prefix.length = length;
    if (!is_zero_beyond(prefix)) {
        return std::nullopt;
    }
    return prefix;
}

std::expected<core::Prefix, std::string> parse_source(std::string_view text) {
    const auto prefix = parse_prefix(text);
    if (!prefix) {
        return std::unexpected(fmt::format(
            "`{}` is not an IPv4 or IPv6 address, nor a prefix such as 2001:db8:0:1::/64 with no bit set "
            "beyond its length",
            text));
    }
    const core::Family family = prefix->address.family();
    if (!core::is_ban_length(family, prefix->length)) {
        return std::unexpected(fmt::format(
            "`{}` is too wide to be banned: {}", text,
            family == core::Family::ipv4 ? "at most a /8 of IPv4 can be" : "at most a /16 of IPv6 can be"));
    }
    return *prefix;
}

}  // namespace farewell::report

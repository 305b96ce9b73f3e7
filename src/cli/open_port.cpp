// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/open_port.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "core/decode.hpp"
#include "report/address_text.hpp"

namespace farewell::cli {
namespace {

struct ProtocolName {
    std::string_view name;
    std::uint8_t number;
};
constexpr std::array kProtocols{
    ProtocolName{"tcp", core::protocol::kTcp},
    ProtocolName{"udp", core::protocol::kUdp},
    ProtocolName{"udplite", core::protocol::kUdpLite},
    ProtocolName{"sctp", core::protocol::kSctp},
};

/// Without the brackets that keep an IPv6 address apart from its port.
std::optional<core::Address> parse_host(std::string_view text) {
    const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
    const auto address = report::parse_address(bracketed ? text.substr(1, text.size() - 2) : text);
    const bool right = address && bracketed == (address->family() == core::Family::ipv6);
    return right ? address : std::nullopt;
}

}  // namespace

std::optional<replay::OpenPort> parse_open_port(std::string_view text) {
    replay::OpenPort open;
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        const auto* const known = std::ranges::find(kProtocols, text.substr(0, slash), &ProtocolName::name);
        if (known == kProtocols.end()) {
            return std::nullopt;
        }
        open.protocol = known->number;
        text.remove_prefix(slash + 1);
    }
    if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        open.host = parse_host(text.substr(0, colon));
        if (!open.host) {
            return std::nullopt;
        }
        text.remove_prefix(colon + 1);
    }
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), open.number);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() ? std::optional(open)
                                                                               : std::nullopt;
}

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses, prefixes and ports as people write them, both ways.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "core/address.hpp"
#include "core/classify.hpp"

namespace farewell::report {

/// "192.0.2.7", "2001:db8::7" (RFC 5952 form, as inet_ntop gives it).
[[nodiscard]] std::string to_text(const core::Address& address);
/// "192.0.2.0/24"; a prefix of full length is written as its address alone.
[[nodiscard]] std::string to_text(const core::Prefix& prefix);
/// "tcp/443", "udp/53", "sctp/5060"; "proto/47" for protocols without ports.
[[nodiscard]] std::string to_text(const core::Port& port);

/// nullopt for anything that is not one whole address; scope identifiers are not accepted.
[[nodiscard]] std::optional<core::Address> parse_address(std::string_view text);
/// An address alone is a prefix of full length. nullopt also when bits beyond the length are set:
/// 192.0.2.7/24 is more often a slip than a wish.
[[nodiscard]] std::optional<core::Prefix> parse_prefix(std::string_view text);
/// What a ban can be for: an address, or a prefix that core::is_ban_length(). The error is a sentence that
/// says what is possible.
[[nodiscard]] std::expected<core::Prefix, std::string> parse_source(std::string_view text);

}  // namespace farewell::report

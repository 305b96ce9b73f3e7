// SPDX-License-Identifier: GPL-2.0-or-later
// For tests: what a kernel has said, written down as hexadecimal digits.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "netlink/message.hpp"
#include "netlink/test_hex.hpp"
#include "report/address_text.hpp"

namespace farewell::host {

using netlink::from_hex;

/// One message and the bytes it lies in.
class Recorded {
 public:
    explicit Recorded(std::string_view hex) : bytes_(from_hex(hex)) {}
    [[nodiscard]] netlink::Message message() const {
        netlink::MessageReader reader(bytes_);
        const auto message = reader.next();
        EXPECT_TRUE(message && !message->truncated);
        return message.value_or(netlink::Message());
    }
    /// The same with one byte of it changed.
    [[nodiscard]] Recorded with(std::size_t index, unsigned value) const {
        Recorded other = *this;
        other.bytes_.at(index) = static_cast<std::byte>(value);
        return other;
    }

 private:
    std::vector<std::byte> bytes_;
};

inline core::Address address(std::string_view text) {
    return report::parse_address(text).value();
}
inline core::Prefix prefix(std::string_view text) {
    return report::parse_prefix(text).value();
}

}  // namespace farewell::host

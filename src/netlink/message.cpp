// SPDX-License-Identifier: MIT
#include "netlink/message.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace farewell::netlink {
namespace {

/// A number or one of the kernel's structures, as it lies in memory.
template <typename Value>
void append_value(std::vector<std::byte>& bytes, const Value& value) {
    std::array<std::byte, sizeof value> raw{};
    std::memcpy(raw.data(), &value, sizeof value);
    bytes.insert(bytes.end(), raw.begin(), raw.end());
}

}  // namespace

void MessageWriter::put_u32(std::uint32_t value) {
    append_value(bytes_, value);
}
void MessageWriter::put_be16(std::uint16_t value) {
    append_value(bytes_, detail::from_network(value));
}
void MessageWriter::put_be32(std::uint32_t value) {
    append_value(bytes_, detail::from_network(value));
}

void MessageWriter::discard_front(std::size_t length) {
    bytes_.erase(bytes_.begin(),
                 bytes_.begin() + static_cast<std::ptrdiff_t>(std::min(length, bytes_.size())));
}

void MessageWriter::pad() {
    // From the message on: one before it may lack bytes, see end_without().
    bytes_.resize(message_begin_ + aligned(bytes_.size() - message_begin_));
}

void MessageWriter::begin(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence) {
    message_begin_ = bytes_.size();
    append_value(bytes_, nlmsghdr{.nlmsg_len = 0,  // known at the end
                                  .nlmsg_type = type,
                                  .nlmsg_flags = flags,
                                  .nlmsg_seq = sequence,
                                  .nlmsg_pid = 0});  // the kernel knows who we are
}

std::size_t MessageWriter::end_without(std::size_t length) {
    const std::size_t total = bytes_.size() - message_begin_ + length;
    const auto said = static_cast<std::uint32_t>(total);
    std::memcpy(bytes_.data() + message_begin_, &said, sizeof said);
    const std::size_t padding = aligned(total) - total;
    bytes_.resize(bytes_.size() + padding);
    return padding;
}

void MessageWriter::append(std::span<const std::byte> messages) {
    bytes_.insert(bytes_.end(), messages.begin(), messages.end());
}

void MessageWriter::attribute_without_value(std::uint16_t type, std::size_t length) {
    append_value(bytes_,
                 nlattr{.nla_len = static_cast<std::uint16_t>(kAttributeHeader + length), .nla_type = type});
}

void MessageWriter::attribute(std::uint16_t type, std::span<const std::byte> value) {
    attribute_without_value(type, value.size());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    pad();
}

void MessageWriter::attribute_be32(std::uint16_t type, std::uint32_t value) {
    std::array<std::byte, sizeof value> raw{};
    const std::uint32_t network = detail::from_network(value);
    std::memcpy(raw.data(), &network, sizeof network);
    attribute(type, raw);
}

}  // namespace farewell::netlink

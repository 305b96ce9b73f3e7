// SPDX-License-Identifier: MIT
#include "netlink/message.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace farewell::netlink {
namespace {

template <typename Number>
Number load(std::span<const std::byte> bytes) {
    Number number = 0;
    if (bytes.size() >= sizeof number) {
        std::memcpy(&number, bytes.data(), sizeof number);
    }
    return number;
}

template <typename Number>
Number from_network(Number number) {
    if constexpr (std::endian::native == std::endian::little) {
        return sizeof number == 2
                   ? static_cast<Number>(__builtin_bswap16(static_cast<std::uint16_t>(number)))
                   : static_cast<Number>(__builtin_bswap32(static_cast<std::uint32_t>(number)));
    }
    return number;
}

template <typename Number>
void append_number(std::vector<std::byte>& bytes, Number number) {
    std::array<std::byte, sizeof number> raw{};
    std::memcpy(raw.data(), &number, sizeof number);
    bytes.insert(bytes.end(), raw.begin(), raw.end());
}

}  // namespace

std::uint16_t read_u16(std::span<const std::byte> bytes) {
    return load<std::uint16_t>(bytes);
}
std::uint32_t read_u32(std::span<const std::byte> bytes) {
    return load<std::uint32_t>(bytes);
}
std::uint16_t read_be16(std::span<const std::byte> bytes) {
    return from_network(load<std::uint16_t>(bytes));
}
std::uint32_t read_be32(std::span<const std::byte> bytes) {
    return from_network(load<std::uint32_t>(bytes));
}

std::optional<Message> MessageReader::next() {
    if (rest_.empty()) {
        return std::nullopt;
    }
    const std::size_t length = rest_.size() < kHeaderBytes ? 0 : read_u32(rest_);
    if (length < kHeaderBytes) {
        malformed_ = true;
        return std::nullopt;
    }
    Message message{.type = read_u16(rest_.subspan(4)),
                    .flags = read_u16(rest_.subspan(6)),
                    .sequence = read_u32(rest_.subspan(8)),
                    .body = {},
                    .truncated = length > rest_.size()};
    message.body = rest_.first(std::min(length, rest_.size())).subspan(kHeaderBytes);
    rest_ = rest_.subspan(std::min(aligned(length), rest_.size()));
    return message;
}

std::optional<Attribute> AttributeReader::next() {
    if (rest_.size() < kAttributeHeader) {
        malformed_ = malformed_ || !rest_.empty();
        rest_ = {};
        return std::nullopt;
    }
    const std::size_t length = read_u16(rest_);
    if (length < kAttributeHeader) {
        malformed_ = true;
        rest_ = {};
        return std::nullopt;
    }
    const std::size_t here = std::min(length, rest_.size());
    malformed_ = malformed_ || here < length;
    const Attribute attribute{.type = static_cast<std::uint16_t>(read_u16(rest_.subspan(2)) & NLA_TYPE_MASK),
                              .value = rest_.first(here).subspan(kAttributeHeader),
                              .full_length = length - kAttributeHeader};
    rest_ = rest_.subspan(std::min(aligned(length), rest_.size()));
    return attribute;
}

void MessageWriter::put_u16(std::uint16_t value) {
    append_number(bytes_, value);
}
void MessageWriter::put_u32(std::uint32_t value) {
    append_number(bytes_, value);
}
void MessageWriter::put_be16(std::uint16_t value) {
    append_number(bytes_, from_network(value));
}
void MessageWriter::put_be32(std::uint32_t value) {
    append_number(bytes_, from_network(value));
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
    put_u32(0);  // the length, known at the end
    put_u16(type);
    put_u16(flags);
    put_u32(sequence);
    put_u32(0);  // port id: the kernel knows who we are
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
    put_u16(static_cast<std::uint16_t>(kAttributeHeader + length));
    put_u16(type);
}

void MessageWriter::attribute(std::uint16_t type, std::span<const std::byte> value) {
    attribute_without_value(type, value.size());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    pad();
}

void MessageWriter::attribute_be32(std::uint16_t type, std::uint32_t value) {
    std::array<std::byte, sizeof value> raw{};
    const std::uint32_t network = from_network(value);
    std::memcpy(raw.data(), &network, sizeof network);
    attribute(type, raw);
}

}  // namespace farewell::netlink

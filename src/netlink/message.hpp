// SPDX-License-Identifier: MIT
// Netlink messages as bytes: building and reading, both pure. Nothing is cast; every length is checked.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace farewell::netlink {

inline constexpr std::size_t kHeaderBytes = 16;     // struct nlmsghdr
inline constexpr std::size_t kAttributeHeader = 4;  // struct nlattr
constexpr std::size_t aligned(std::size_t length) {
    return (length + 3) & ~std::size_t{3};
}

namespace detail {

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
Number load(std::span<const std::byte> bytes) {
    Number number = 0;
    if (bytes.size() >= sizeof number) {
        std::memcpy(&number, bytes.data(), sizeof number);
    }
    return number;
}

}  // namespace detail

// Numbers in host order as netlink has them, and in network order as netfilter's attributes do. 0 where there
// are not bytes enough. Inline, like the readers below: they are what every packet costs.
[[nodiscard]] inline std::uint16_t read_u16(std::span<const std::byte> bytes) {
    return detail::load<std::uint16_t>(bytes);
}
[[nodiscard]] inline std::uint32_t read_u32(std::span<const std::byte> bytes) {
    return detail::load<std::uint32_t>(bytes);
}
[[nodiscard]] inline std::uint16_t read_be16(std::span<const std::byte> bytes) {
    return detail::from_network(read_u16(bytes));
}
[[nodiscard]] inline std::uint32_t read_be32(std::span<const std::byte> bytes) {
    return detail::from_network(read_u32(bytes));
}

/// One message of a datagram: its header's fields and what follows the header.
struct Message {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::span<const std::byte> body;
    bool truncated = false;  // the datagram ends before the message does
};

/// Walks the messages of a datagram. Ends at the first that cannot be one.
class MessageReader {
 public:
    explicit MessageReader(std::span<const std::byte> datagram) : rest_(datagram) {}
    [[nodiscard]] std::optional<Message> next() {
        if (rest_.size() < kHeaderBytes) {
            malformed_ = !rest_.empty();
            return std::nullopt;
        }
        const std::size_t length = read_u32(rest_);
        if (length < kHeaderBytes) {
            malformed_ = true;
            return std::nullopt;
        }
        const std::size_t here = std::min(length, rest_.size());
        const Message message{.type = read_u16(rest_.subspan(4)),
                              .flags = read_u16(rest_.subspan(6)),
                              .sequence = read_u32(rest_.subspan(8)),
                              .body = rest_.first(here).subspan(kHeaderBytes),
                              .truncated = here < length};
        rest_ = rest_.subspan(std::min(aligned(length), rest_.size()));
        return message;
    }
    /// After the end: whether bytes were left that are no message.
    [[nodiscard]] bool is_malformed() const { return malformed_; }

 private:
    std::span<const std::byte> rest_;
    bool malformed_ = false;
};

struct Attribute {
    std::uint16_t type = 0;  // without the NESTED and NET_BYTEORDER bits
    std::span<const std::byte> value;
    std::size_t full_length = 0;  // of the value; larger than value.size() where the message was truncated
};

/// Walks attributes, also those inside a nested one. A last attribute that is cut off is given with what is
/// there.
class AttributeReader {
 public:
    explicit AttributeReader(std::span<const std::byte> attributes) : rest_(attributes) {}
    [[nodiscard]] std::optional<Attribute> next() {
        if (rest_.size() < kAttributeHeader) {
            return end(!rest_.empty());
        }
        const std::size_t length = read_u16(rest_);
        if (length < kAttributeHeader) {
            return end(true);
        }
        Attribute attribute{.type = static_cast<std::uint16_t>(read_u16(rest_.subspan(2)) & kTypeMask),
                            .value = rest_.subspan(kAttributeHeader),
                            .full_length = length - kAttributeHeader};
        if (length <= rest_.size()) [[likely]] {
            attribute.value = attribute.value.first(attribute.full_length);
        } else {
            malformed_ = true;
        }
        const std::size_t step = aligned(length);
        rest_ = step < rest_.size() ? rest_.subspan(step) : std::span<const std::byte>();
        return attribute;
    }
    [[nodiscard]] bool is_malformed() const { return malformed_; }

 private:
    static constexpr std::uint16_t kTypeMask = 0x3fff;  // NLA_TYPE_MASK

    std::nullopt_t end(bool malformed) {
        malformed_ = malformed_ || malformed;
        rest_ = {};
        return std::nullopt;
    }

    std::span<const std::byte> rest_;
    bool malformed_ = false;
};

/// Appends messages to a buffer that it keeps; begin() … attributes … end(). Reused without allocating.
class MessageWriter {
 public:
    void clear() { bytes_.clear(); }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    /// Takes off the front what has been sent: whole messages, outside begin() … end().
    void discard_front(std::size_t length);
    /// Messages as they are, ready to be sent.
    void append(std::span<const std::byte> messages);

    void begin(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence);
    void end() { end_without(0); }
    /// Ends a message whose last `length` bytes are elsewhere and go between what is written now and the
    /// padding that this appends. How many bytes of padding.
    std::size_t end_without(std::size_t length);

    void put_u8(std::uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
    void put_u32(std::uint32_t value);  // host order
    void put_be16(std::uint16_t value);
    void put_be32(std::uint32_t value);
    /// An attribute with these bytes.
    void attribute(std::uint16_t type, std::span<const std::byte> value);
    void attribute_be32(std::uint16_t type, std::uint32_t value);
    /// The head of an attribute whose value of that length is elsewhere: end_without().
    void attribute_without_value(std::uint16_t type, std::size_t length);

 private:
    void pad();

    std::vector<std::byte> bytes_;
    std::size_t message_begin_ = 0;
};

}  // namespace farewell::netlink
